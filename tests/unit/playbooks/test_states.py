"""Each context gets the state that its own variables say, whatever is to happen to the others in the same run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
INCLUDE = "ansible.builtin.include_role"
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
STATE = re.compile(r"\w+_state\b")
HOSTS = {"a": "present", "b": "absent", "c": "present", "d": "absent"}


def includes(playbook: Path) -> list[dict[str, Any]]:
    """The tasks of a playbook that choose a role's file by a variable."""
    plays = yaml.safe_load(playbook.read_text(encoding="utf-8"))
    tasks = [task for play in plays for task in play.get("tasks") or []]
    for task in tasks:
        tasks += task.get("block") or []
    return [task for task in tasks if "{{" in str(task.get(INCLUDE, {}).get("tasks_from"))]


def test_there_are_some() -> None:
    assert len(includes(ROOT / "playbooks" / "site.yml")) == 7


def test_roles_choose_no_file_of_another_role_by_a_variable() -> None:
    """There, it would need the same loop."""
    files = [path for path in (ROOT / "roles").rglob("tasks/*.yml") if re.search(r"_from:.*\{\{", path.read_text())]
    assert files == []


@pytest.mark.parametrize("strategy", ["free", "linear"])
def test_hosts_are_told_apart(tmp_path: Path, strategy: str) -> None:
    """Hosts that come to an include at the same time: ansible-core would take them for one, see site.yml."""
    tasks = tmp_path / "roles" / "probe" / "tasks"
    tasks.mkdir(parents=True)
    for state in ("present", "absent"):
        told = [{"ansible.builtin.debug": {"msg": f"{state} {{{{ inventory_hostname }}}}"}}]
        (tasks / f"{state}.yml").write_text(yaml.safe_dump(told), encoding="utf-8")
    asked = []
    for task in includes(ROOT / "playbooks" / "site.yml"):
        role = {"name": "probe", "tasks_from": task[INCLUDE]["tasks_from"]}
        asked.append(
            {INCLUDE: role, "loop": [STATE.sub("wanted", task["loop"][0])], "loop_control": task["loop_control"]}
        )
    play = {"hosts": "all", "gather_facts": False, "connection": "local", "strategy": strategy, "tasks": asked}
    (tmp_path / "play.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
    inventory = {"all": {"hosts": {name: {"wanted": state} for name, state in HOSTS.items()}}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    command = [Path(sys.executable).with_name("ansible-playbook"), "-f", "10", "-i", "hosts.yml", "play.yml"]
    environment = {**os.environ, "ANSIBLE_STDOUT_CALLBACK": "default"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    said = re.findall(r'"msg": "(\w+) (\w)"', done.stdout)
    assert len(said) == 7 * len(HOSTS)
    assert {(name, state) for state, name in said} == set(HOSTS.items())


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_a_file_that_a_variable_chooses_is_an_item_of_a_loop(playbook: Path) -> None:
    for task in includes(playbook):
        variable = task["loop_control"]["loop_var"]
        assert len(task["loop"]) == 1 and task[INCLUDE]["tasks_from"] == f"{{{{ {variable} }}}}", task["name"]
