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


def made(version_2: Path, controllers: str) -> Path:
    """A group as the kernel makes it, with its files."""
    group = version_2 / NAME
    group.mkdir()
    (group / "cgroup.controllers").write_text(controllers)
    (group / "cgroup.subtree_control").write_text("")
    return group


def test_controllers_are_handed_down_where_they_are_not_yet(version_2: Path) -> None:
    group = made(version_2, "memory\n")
    control_groups.create(NAME, version_2)
    assert (group / "cgroup.subtree_control").read_text() == "+memory"
    assert (version_2 / "cgroup.subtree_control").read_text() == "cpuset cpu io memory pids hugetlb\n"
    assert (group / "system").is_dir()


@pytest.mark.parametrize("controller", ["memory", "io"])
def test_a_controller_that_is_not_handed_down_matters_where_it_is_needed(version_2: Path, controller: str) -> None:
    control = made(version_2, controller) / "cgroup.subtree_control"
    control.unlink()
    control.symlink_to("/proc/version")  # it can be read, and the kernel refuses what is written
    if controller == "io":
        control_groups.create(NAME, version_2)
        return
    with pytest.raises(
        LabStartError, match=rf"The cgroup controller memory cannot be handed down by {control}: .*--priv"
    ):
        control_groups.create(NAME, version_2)


def test_a_machine_without_control_groups_has_no_labs(tmp_path: Path) -> None:
    assert control_groups.hierarchies(tmp_path / "nowhere") == []
    assert control_groups.labs(tmp_path / "nowhere") == set()


def test_a_cpuset_has_what_its_parent_has(version_1: Path) -> None:
    """The kernel's files appear with the folder; here they are there before it."""
    group = version_1 / "cpuset" / NAME
    (group / "system").mkdir(parents=True)
    for folder in (group, group / "system"):
        (folder / "cpuset.cpus").write_text("\n")
    control_groups.create(NAME, version_1)
    assert (group / "system" / "cpuset.cpus").read_text() == "0-1\n"


def test_a_group_that_goes_away_meanwhile_has_no_processes(version_1: Path) -> None:
    control_groups.create(NAME, version_1)
    (version_1 / "memory" / NAME / "cgroup.procs").write_text("12\n0\n")  # 0 is of a namespace that is not ours
    assert control_groups.processes(NAME, root=version_1) == {12}


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
