# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import re
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab import machine


@pytest.fixture
def demands(tmp_path: Path) -> machine.Demands:
    return machine.Demands(
        directory=Path("/srv/lab-of-a-test"),
        cache_directory=tmp_path / "cache",
        name="selfhosted-nothing",
        address="127.0.0.1",
        ports=(),
        tools={"sh": "dash"},
        memory=1,
        disk=1,
    )


def test_other_systems_are_told_so_and_nothing_else(demands: machine.Demands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.platform, "system", lambda: "Darwin")
    assert machine.judge(demands).problems == ["The lab needs Linux; this is Darwin."]


def test_all_problems_come_at_once(demands: machine.Demands) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        wanting = replace(demands, ports=(port,), memory=2**60, disk=2**60, directory=Path("/run/lab"))
        problems = "\n".join(machine.judge(wanting).problems)
    assert f"Port {port} of 127.0.0.1 is taken by" in problems and f"(process {os.getpid()})" in problems
    assert "GiB of memory; the lab needs" in problems
    assert "GiB free; the lab needs" in problems
    assert "/run/lab, is below /run, which the lab covers" in problems


def test_a_started_lab_needs_no_more_room(demands: machine.Demands, tmp_path: Path) -> None:
    (tmp_path / "lab.json").write_text("{}")
    wanting = replace(demands, directory=tmp_path, disk=2**60)
    assert not [problem for problem in machine.judge(wanting).problems if "GiB free" in problem]


@pytest.mark.parametrize(("has", "wanted", "said"), [
    ("1.36", "1.36", ""),
    ("1.36", "1.37", ""),
    ("1.37", "1.36", "has Kubernetes 1.37, and lab_kubernetes is 1.36; .* So stay at 1.37, .* lab_state: absent"),
    ("1.34", "1.36", "So go to 1.35 first,"),
    ("1.9", "1.10", ""),
    ("", "1.34", ""),  # a lab from before versions could be chosen
    ("1.37", "", ""),  # only built
])  # fmt: skip
def test_the_cluster_of_a_folder_goes_up_by_one_minor_and_never_down(
    demands: machine.Demands, tmp_path: Path, has: str, wanted: str, said: str
) -> None:
    (tmp_path / "lab.json").write_text(json.dumps({"kubernetes": has} if has else {}))
    found = machine.judge(replace(demands, directory=tmp_path, kubernetes=wanted)).problems
    about = [problem for problem in found if "lab_kubernetes" in problem]
    assert len(about) == bool(said)
    assert not said or re.search(said, about[0])


@pytest.mark.parametrize(("record", "wanted", "said"), [
    ({"runtime": "crio"}, "crio", ""),
    ({"runtime": "crio"}, "docker", "has crio, .* lab_runtime is docker; .* lab_state: absent"),
    ({}, "containerd", ""),  # a lab from before runtimes could be chosen
    ({}, "crio", "has containerd"),
    ({"runtime": "crio"}, "", ""),  # only built
])  # fmt: skip
def test_the_node_of_a_folder_keeps_its_runtime(
    demands: machine.Demands, tmp_path: Path, record: dict, wanted: str, said: str
) -> None:
    (tmp_path / "lab.json").write_text(json.dumps(record))
    found = machine.judge(replace(demands, directory=tmp_path, runtime=wanted)).problems
    about = [problem for problem in found if "lab_runtime" in problem]
    assert len(about) == bool(said)
    assert not said or re.search(said, about[0])


def test_paths_that_sockets_cannot_have_are_refused(demands: machine.Demands) -> None:
    problems = machine.judge(replace(demands, directory=Path("/srv") / ("x" * 90))).problems
    assert any("too long for sockets" in problem for problem in problems)


def test_only_loopback_addresses_are_taken(demands: machine.Demands) -> None:
    problems = machine.judge(replace(demands, address="192.0.2.1")).problems
    assert any("must be a loopback address" in problem for problem in problems)


def test_missing_tools_are_named_by_package() -> None:
    tools = {"sh": "dash", "no-such-command": "some-package", "/no/such/file": "other-package"}
    assert machine.missing_packages(tools, "/usr/lib/cni") == ["other-package", "some-package"]
    assert "containernetworking-plugins" in machine.missing_packages({}, "")


def test_without_apt_missing_tools_are_a_problem(demands: machine.Demands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "can_install", lambda: False)
    problems = machine.judge(replace(demands, tools={"no-such-command": "some-package"})).problems
    assert any("some-package" in problem for problem in problems)
