"""A play of single tasks, run by ansible-playbook as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[4]


def play(
    directory: Path, tasks: list[dict[str, Any]], *options: str, hosts: str = "localhost"
) -> tuple[dict[str, Any], str]:
    """Run tasks on hosts, one or several with commas; return the last task's result, and all that was printed."""
    file = directory / "play.yml"
    file.write_text(yaml.safe_dump([{"hosts": hosts, "gather_facts": False, "tasks": tasks}]))
    environment = {
        **os.environ,
        "TEST_REGISTRY_PASSWORD": "test-only-password",
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
    }
    command = [Path(sys.executable).with_name("ansible-playbook"), file, "-i", f"{hosts},", "-c", "local", *options]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    start = done.stdout.rfind("=> {")
    assert start > 0, output
    result, _end = json.JSONDecoder().raw_decode(done.stdout, start + len("=> "))
    return result, output
