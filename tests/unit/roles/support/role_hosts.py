"""Roles with options, each on a host of its own in one run of one play: a run costs seconds, a host tenths of one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[4]
RECAP = re.compile(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)\s+unreachable=0\s+failed=(\d+)", re.MULTILINE)
FAILED = re.compile(r'^fatal: \[([^\]]+)\]: FAILED! => .*?"msg": ("(?:[^"\\]|\\.)*")', re.MULTILINE)


@dataclass(frozen=True)
class Ended:
    """How a role ended on its host: the number of changed tasks, and what it failed with, or ''."""

    changed: int
    fault: str
    work: Path
    printed: str


def run_roles(
    folder: Path, kubeconfig: Path, hosts: dict[str, dict[str, Any]], *arguments: str, tasks_from: str = "main"
) -> dict[str, Ended]:
    """Run on each host the role that its variable `role` names; all of them stand for the context `test`.

    The work folder of each is `folder`/HOST. Returns how each host ended, with all that was printed.
    """
    common = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "serverless_context": "test",
        "serverless_kubeconfig": str(kubeconfig),
        "serverless_work_dir": f"{folder}/{{{{ inventory_hostname }}}}",
    }
    (folder / "hosts.yml").write_text(yaml.safe_dump({"clusters": {"hosts": hosts, "vars": common}}))
    include = {"name": "selfhosted.serverless.{{ role }}", "tasks_from": tasks_from}
    play = {"hosts": "clusters", "gather_facts": False, "tasks": [{"ansible.builtin.include_role": include}]}
    (folder / "play.yml").write_text(yaml.safe_dump([play]))
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "ANSIBLE_FORKS": "4",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_STRATEGY": "free",
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(folder / "hosts.yml")]
    done = subprocess.run(
        [*command, str(folder / "play.yml"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment,
        cwd=folder,
        check=False,
        timeout=600,
    )
    faults = {host: yaml.safe_load(text) for host, text in FAILED.findall(done.stdout)}
    ended = {
        host: Ended(int(changed), faults.get(host, "no message") if int(failed) else "", folder / host, done.stdout)
        for host, changed, failed in RECAP.findall(done.stdout)
    }
    assert set(ended) == set(hosts), done.stdout
    return ended
