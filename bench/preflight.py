"""How long the plan of all images takes as a task, from the task's start to the next one's."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNS = 3
MARK = "preflight took "


def preflight(mirror: str, repositories: list[str], scratch: Path) -> float:
    """The median seconds of three runs of ansible-playbook, each without a lock and without what another asked."""
    plan = {
        "extra": [f"{repository}:1" for repository in repositories],
        "images": {"mirrors": {"gcr.io": [f"{mirror}/gcr.io"]}},
        "architectures": ["amd64"],
        "context": "",
    }
    now = "now(utc=true).timestamp()"
    tasks = [
        # As in a site's run, where earlier tasks have loaded the libraries.
        {"name": "Load", "selfhosted.serverless.image_plan": {"context": ""}},
        {"name": "Begin", "ansible.builtin.set_fact": {"begin": f"{{{{ {now} }}}}"}},
        {"name": "Plan", "selfhosted.serverless.image_plan": plan},
        {"name": "End", "ansible.builtin.debug": {"msg": f"{MARK}{{{{ {now} - begin }}}}"}},
    ]
    playbook = scratch / "preflight.yml"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    return statistics.median(_seconds(playbook) for _run in range(RUNS))


def _seconds(playbook: Path) -> float:
    command = [
        str(Path(sys.executable).with_name("ansible-playbook")),
        "-i",
        "localhost,",
        "-c",
        "local",
        str(playbook),
    ]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    found = re.search(rf"{MARK}([\d.]+)", done.stdout)
    if done.returncode or not found:
        raise SystemExit(f"bench: the preflight failed:\n{done.stdout[-3000:]}{done.stderr[-1000:]}")
    return float(found[1])
