# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab import namespaces, residue

NAME = f"selfhosted-test{os.getpid()}"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")


@pytest.fixture
def network() -> Iterator[Path]:
    """A real named network namespace, with a real init in a process namespace of its own."""
    try:
        namespaces.create(NAME)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no network namespaces here: {error}")
    yield namespaces.NAMES / NAME
    namespaces.remove(NAME)


@pytest.fixture
def init(network: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = ["nsenter", f"--net={network}", "unshare", "--pid", "--fork", "--kill-child", "sleep", "60"]
    with subprocess.Popen(command) as process:
        yield process
        process.kill()


def wait_for_init() -> int:
    while (found := namespaces.find_init(NAME)) is None:
        os.sched_yield()
    return found


def test_the_init_is_found_by_its_namespaces(init: subprocess.Popen[bytes]) -> None:
    # Its parent is unshare, which waits outside
    assert f"PPid:\t{init.pid}\n" in Path(f"/proc/{wait_for_init()}/status").read_text()


def test_a_namespace_without_an_init_is_a_dead_lab(network: Path) -> None:
    assert namespaces.find_init(NAME) is None
    assert NAME in namespaces.labs()
    assert residue.clear_lab(NAME) == [f"network namespace {NAME}"]
    assert NAME not in namespaces.labs()


def test_a_lab_that_runs_is_left_alone(init: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    wait_for_init()
    monkeypatch.setattr(namespaces, "labs", lambda: {NAME})
    monkeypatch.setattr(residue.control_groups, "labs", set)
    assert residue.clear() == []
    assert namespaces.find_init(NAME) is not None


def test_no_name_no_init() -> None:
    assert namespaces.find_init("selfhosted-nothing") is None
    assert not namespaces.remove("selfhosted-nothing")
