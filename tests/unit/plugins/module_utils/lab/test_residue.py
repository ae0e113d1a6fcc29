# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a killed lab leaves, in real control groups: its processes are ended, those of others are not."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab import control_groups, namespaces, residue
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.errors import LabStartError

NAME = f"selfhosted-residue{os.getpid()}"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="control groups need root")


@pytest.fixture
def groups() -> Iterator[list[Path]]:
    """The control groups of a lab, one in each hierarchy."""
    try:
        control_groups.create(NAME)
    except (OSError, LabStartError) as error:
        pytest.skip(f"no control groups here: {error}")
    yield [hierarchy / NAME for hierarchy in control_groups.hierarchies()]
    residue.clear_lab(NAME)


@pytest.fixture
def left(groups: list[Path]) -> Iterator[subprocess.Popen[bytes]]:
    """A process of a pod of that lab."""
    with subprocess.Popen(["sleep", "60"]) as process:
        for group in groups:
            pod = group / "system"
            (pod / "cgroup.procs").write_text(str(process.pid))
        yield process
        process.kill()


def test_what_still_runs_is_ended(left: subprocess.Popen[bytes]) -> None:
    with subprocess.Popen(["sleep", "60"]) as another:
        assert residue.clear_lab(NAME) == [f"1 processes of {NAME}", f"control groups {NAME}"]
        assert left.wait(10) == -signal.SIGKILL
        assert another.poll() is None
        another.kill()
    assert residue.clear_lab(NAME) == [], "and nothing is left"


def test_a_process_that_cannot_be_ended_is_named(left: subprocess.Popen[bytes]) -> None:
    """A frozen one, in version 1; in version 2 it can be."""
    state = control_groups.ROOT / "freezer" / NAME / "system" / "freezer.state"
    if not state.exists():
        pytest.skip("no freezer of version 1")
    try:
        state.write_text("FROZEN")
        limit = time.monotonic() + 10
        while state.read_text().strip() != "FROZEN":
            assert time.monotonic() < limit
        with pytest.raises(LabStartError, match=rf"Processes of the dead lab {NAME} cannot be killed: \[{left.pid}\]"):
            residue.clear_lab(NAME, timeout=0.3)
    finally:
        state.write_text("THAWED")
    assert left.wait(10) == -signal.SIGKILL, "it ends as soon as it can"


def test_dead_labs_are_cleared_and_those_that_run_are_not(
    left: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other labs of this machine are not this test's business
    monkeypatch.setattr(control_groups, "labs", lambda: {NAME})
    monkeypatch.setattr(namespaces, "labs", lambda: {"selfhosted-running"})
    monkeypatch.setattr(namespaces, "find_init", lambda name: 1 if name == "selfhosted-running" else None)
    assert residue.clear() == [f"1 processes of {NAME}", f"control groups {NAME}"]


def test_a_process_that_ends_meanwhile_is_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(["true"]) as ended:
        ended.wait(10)
    seen = iter([{ended.pid}, set()])
    monkeypatch.setattr(control_groups, "processes", lambda name: next(seen))
    assert residue._kill(NAME, 1) == 1


def test_whoever_clears_does_not_end_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `make lab` does when it is called out of a lab's own control group."""
    monkeypatch.setattr(control_groups, "processes", lambda name: {os.getpid()})
    assert residue._kill(NAME, 1) == 0
