# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab import control_groups
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.errors import LabStartError

NAME = "selfhosted-0123abcd"


@pytest.fixture
def version_1(tmp_path: Path) -> Path:
    """What the hierarchies of version 1 look like, in plain files."""
    for controller in ("cpuset", "memory"):
        (tmp_path / controller).mkdir()
        (tmp_path / controller / "cgroup.procs").write_text("1\n")
    (tmp_path / "cpu,cpuacct").mkdir()
    (tmp_path / "cpu,cpuacct/cgroup.procs").write_text("")
    (tmp_path / "cpu").symlink_to("cpu,cpuacct")
    (tmp_path / "cpuset/cpuset.cpus").write_text("0-1\n")
    return tmp_path


@pytest.fixture
def version_2(tmp_path: Path) -> Path:
    (tmp_path / "cgroup.controllers").write_text("cpuset cpu io memory pids rdma\n")
    (tmp_path / "cgroup.subtree_control").write_text("cpuset cpu io memory pids hugetlb\n")
    return tmp_path


def test_links_are_not_hierarchies(version_1: Path) -> None:
    assert [path.name for path in control_groups.hierarchies(version_1)] == ["cpu,cpuacct", "cpuset", "memory"]
    assert not control_groups.is_unified(version_1)


def test_version_2_has_one(version_2: Path) -> None:
    assert control_groups.hierarchies(version_2) == [version_2]


def test_groups_are_made_in_every_hierarchy_and_told_apart(version_1: Path) -> None:
    control_groups.create(NAME, version_1)
    assert (version_1 / "memory" / NAME / "system").is_dir()
    assert control_groups.labs(version_1) == {NAME}


def test_processes_of_all_groups_are_found(version_1: Path) -> None:
    control_groups.create(NAME, version_1)
    pod = version_1 / "memory" / NAME / "kubepods/pod1"
    pod.mkdir(parents=True)
    (pod / "cgroup.procs").write_text("12\n13\n")
    (version_1 / "cpuset" / NAME / "system/cgroup.procs").write_text("12\n14\n")
    assert control_groups.processes(NAME, root=version_1) == {12, 13, 14}
    assert control_groups.processes(NAME, "kubepods", root=version_1) == {12, 13}


def test_groups_are_removed_from_below(version_1: Path) -> None:
    control_groups.create(NAME, version_1)
    (version_1 / "memory" / NAME / "kubepods/pod1").mkdir(parents=True)
    assert control_groups.remove(NAME, root=version_1)
    assert control_groups.labs(version_1) == set()
    assert not control_groups.remove(NAME, root=version_1)


def test_a_busy_group_is_named(version_1: Path) -> None:
    control_groups.create(NAME, version_1)
    (version_1 / "memory" / NAME / "cgroup.procs").write_text(
        "99\n"
    )  # a plain file keeps the folder, as a process would
    with pytest.raises(LabStartError, match=rf"memory/{NAME} cannot be removed.*\[99\]"):
        control_groups.remove(NAME, timeout=0.1, root=version_1)
