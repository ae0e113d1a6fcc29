# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real instance in real namespaces, with a process that does nothing in place of the supervisor and the cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab import instance, namespaces
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.errors import LabStartError

NAME = f"selfhosted-instance{os.getpid()}"
NOTHING = f"exec nsenter --net=/run/netns/{NAME} unshare --pid --fork --kill-child sleep 60"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[instance.Instance]:
    for folder in ("run", "log/lab", "libexec", "pki"):
        (tmp_path / folder).mkdir(parents=True)
    # Other labs of this machine are not this test's business
    monkeypatch.setattr(instance.residue, "clear", list)
    monkeypatch.setattr(instance.Health, "server_is_ready", lambda self: True)
    monkeypatch.setattr(instance.Health, "node_lives", lambda self, node, since: True)
    monkeypatch.setattr(instance, "LAUNCH_SECONDS", 1)
    made = instance.Instance(tmp_path, NAME, "https://127.0.0.1:9", "lab")
    yield made
    made.kill()


def launch(lab: instance.Instance, command: str) -> instance.Change:
    script = lab.directory / "libexec/launch"
    script.write_text(f"#!/bin/sh\n{command}\n")
    script.chmod(0o755)
    try:
        return lab.start(timeout=5)
    except PermissionError as error:
        pytest.skip(f"no namespaces or control groups here: {error}")


def test_it_starts_once_and_stops(lab: instance.Instance) -> None:
    assert launch(lab, NOTHING).changed
    init = lab.init
    assert init is not None
    assert not launch(lab, NOTHING).changed
    assert lab.init == init
    assert lab.stop(timeout=0.1).changed  # a sleeping init ignores SIGTERM, so it is killed after all
    assert lab.init is None
    assert NAME not in namespaces.labs() | instance.control_groups.labs()
    assert not lab.stop(timeout=0.1).changed


def test_a_start_that_fails_shows_why(lab: instance.Instance) -> None:
    with pytest.raises(LabStartError, match="(?s)ended at once.*no such thing"):
        launch(lab, "echo no such thing >&2; exit 1")


def test_a_dead_lab_is_cleared_by_its_next_start(lab: instance.Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance.residue, "clear", lambda: instance.residue.clear_lab(NAME))
    launch(lab, NOTHING)
    os.kill(lab.init or 0, 9)
    while lab.init is not None:
        os.sched_yield()
    assert launch(lab, NOTHING).residue == [f"network namespace {NAME}", f"control groups {NAME}"]


def test_a_server_that_is_never_ready_is_told(lab: instance.Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instance.Health, "server_is_ready", lambda self: False)
    script = lab.directory / "libexec/launch"
    script.write_text(f"#!/bin/sh\n{NOTHING}\n")
    script.chmod(0o755)
    with pytest.raises(LabStartError, match="waited 1 s for its API server to be ready"):
        lab.start(timeout=1)
