"""A host that the inventory has cut off at a port is not taken for the context of another cluster."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from plays import ROOT

ASKED = "write serverless_context: '10.0.0.5:6443' for it"


def preflight(directory: Path, contexts: list[str], **variables: object) -> str:
    """Run the role preflight for a host that is written 10.0.0.5:6443, and return what is printed."""
    server = {"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}
    entries = [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in contexts]
    kubeconfig = {"contexts": entries, "clusters": [server], "users": [{"name": "u", "user": {"token": "t"}}]}
    (directory / "config").write_text(yaml.safe_dump(kubeconfig))
    hosts = {"10.0.0.5:6443": {"serverless_kubeconfig": str(directory / "config"), **variables}}
    (directory / "hosts.yml").write_text(yaml.safe_dump({"clusters": {"hosts": hosts}}))
    role = {"ansible.builtin.include_role": {"name": "selfhosted.serverless.preflight"}}
    options = {"preflight_wait_timeout": 1, "preflight_check_names": False}
    tasks = [{**role, "vars": options}]
    play = {"hosts": "clusters", "connection": "local", "gather_facts": False, "tasks": tasks}
    (directory / "play.yml").write_text(yaml.safe_dump([play]))
    command = [
        Path(sys.executable).with_name("ansible-playbook"),
        directory / "play.yml",
        "-i",
        directory / "hosts.yml",
    ]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize("contexts", [["10.0.0.5:6443"], ["10.0.0.5", "10.0.0.5:6443"]])
def test_the_context_is_asked_for(contexts: list[str], tmp_path: Path) -> None:
    assert ASKED in preflight(tmp_path, contexts)


def test_a_context_that_is_named_is_taken(tmp_path: Path) -> None:
    said = preflight(tmp_path, ["10.0.0.5", "10.0.0.5:6443"], serverless_context="10.0.0.5")
    assert ASKED not in said and "127.0.0.1" in said


def test_a_port_of_other_purpose_is_no_part_of_a_context(tmp_path: Path) -> None:
    said = preflight(tmp_path, ["10.0.0.5"])
    assert ASKED not in said and "127.0.0.1" in said
