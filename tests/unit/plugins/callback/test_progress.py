"""What the callback shows of plays: what did something, and how each host ended."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.ends import HostEnd, table_of

CHANGED = {"name": "Write it", "ansible.builtin.command": "true", "changed_when": True}
NOTHING = {"name": "Look at it", "ansible.builtin.command": "true", "changed_when": False}
SKIPPED = {"name": "Leave it", "ansible.builtin.command": "true", "when": False}
FAILED = {"name": "Break it", "ansible.builtin.fail": {"msg": "it is broken"}, "when": "inventory_hostname == 'two'"}


def run(
    folder: Path, tasks: list[dict[str, Any]], *words: str, hosts: str = "one,"
) -> subprocess.CompletedProcess[str]:
    """Run tasks on local hosts with the callback."""
    play = {
        "hosts": "all",
        "connection": "local",
        "gather_facts": False,
        "strategy": "free",
        "vars": {"ansible_python_interpreter": sys.executable},
        "tasks": tasks,
    }
    (folder / "play.yml").write_text(yaml.safe_dump([play], sort_keys=False), encoding="utf-8")
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", hosts, str(folder / "play.yml"), *words]
    environment = {**os.environ, "ANSIBLE_STDOUT_CALLBACK": "selfhosted.serverless.progress", "ANSIBLE_NOCOLOR": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)


def test_what_did_nothing_is_not_shown(tmp_path: Path) -> None:
    loop = {**CHANGED, "name": "Write them", "loop": [1, 2]}
    said = {"name": "Tell", "ansible.builtin.debug": {"msg": "to be read"}}
    lines = run(tmp_path, [NOTHING, SKIPPED, CHANGED, loop, said]).stdout.split("\n")
    shown = [re.sub(r"[\d.]+ s", "N s", line) for line in lines if line and not line.startswith("  done: ")]
    assert shown == ["  changed: Write it (N s)", "  changed: Write them (N s)", "  to be read", "changed after N s."]


def test_a_role_begins_with_a_line(tmp_path: Path) -> None:
    tasks = tmp_path / "roles/selfmade/tasks"
    tasks.mkdir(parents=True)
    (tasks / "main.yml").write_text(yaml.safe_dump([NOTHING, NOTHING]), encoding="utf-8")
    role = {"ansible.builtin.include_role": {"name": "selfmade"}}
    output = run(tmp_path, [role, CHANGED, role]).stdout
    assert re.findall(r"^\[ *\d+ s\] (\w+)$", output, re.MULTILINE) == ["selfmade"]
    several = run(tmp_path, [role], hosts="one,two").stdout
    assert sorted(re.findall(r"^\[ *\d+ s\] (.+)$", several, re.MULTILINE)) == ["one: selfmade", "two: selfmade"]


def test_what_a_role_has_others_do_is_its_own(tmp_path: Path) -> None:
    inner = {"ansible.builtin.include_role": {"name": "inner"}}
    for name, tasks in (("outer", [inner, NOTHING]), ("inner", [NOTHING])):
        folder = tmp_path / "roles" / name / "tasks"
        folder.mkdir(parents=True)
        (folder / "main.yml").write_text(yaml.safe_dump(tasks), encoding="utf-8")
    outer = {"ansible.builtin.include_role": {"name": "outer"}}
    output = run(tmp_path, [outer, inner]).stdout
    assert re.findall(r"^\[ *\d+ s\] (.+)$", output, re.MULTILINE) == ["outer", "inner"]


def test_a_phase_has_one_line_whatever_roles_take_part(tmp_path: Path) -> None:
    roles = []
    for name in ("first", "second"):
        folder = tmp_path / "roles" / name / "tasks"
        folder.mkdir(parents=True)
        (folder / "main.yml").write_text(yaml.safe_dump([NOTHING]), encoding="utf-8")
        roles.append({"ansible.builtin.include_role": {"name": name}})
    planning = {"block": roles, "vars": {"__serverless_phase": "plan"}}
    output = run(tmp_path, [planning, *roles]).stdout
    shown = re.findall(r"^\[ *\d+ s\] (.+)$", output, re.MULTILINE)
    assert shown == ["plan: nothing is changed yet", "first", "second"]


def test_a_failure_is_shown_with_its_task_and_in_the_table(tmp_path: Path) -> None:
    done = run(tmp_path, [NOTHING, FAILED, CHANGED], hosts="one,two")
    assert done.returncode == 2
    assert "  two: failed: Break it\n    it is broken\n" in done.stdout
    assert "it is broken" not in done.stderr
    table = done.stdout.rstrip().split("\n")[-3:]
    assert re.fullmatch(r"  one  changed +[\d.]+ s", table[0])
    assert re.fullmatch(r"  two  failed +[\d.]+ s  Break it: it is broken", table[1])
    assert re.fullmatch(r"2 contexts in [\d.]+ s, 1 failed\.", table[2])


def test_ignored_failures_are_none(tmp_path: Path) -> None:
    done = run(tmp_path, [{**FAILED, "when": True, "ignore_errors": True}])
    assert done.returncode == 0 and done.stdout.rstrip().split("\n")[-1].startswith("unchanged after")


def test_each_host_has_its_own_time(tmp_path: Path) -> None:
    slow = {"name": "Take time", "ansible.builtin.wait_for": {"timeout": 4}, "when": "inventory_hostname == 'two'"}
    output = run(tmp_path, [NOTHING, slow, SKIPPED], hosts="one,two").stdout
    seconds = {name: float(took) for name, took in re.findall(r"^  (one|two) +\w+ +([\d.]+) s$", output, re.MULTILINE)}
    assert seconds["one"] + 2 < seconds["two"]


@pytest.mark.parametrize("words", ["-v", "-vv"])
def test_more_words_show_all_as_ansible_does(tmp_path: Path, words: str) -> None:
    output = run(tmp_path, [NOTHING, SKIPPED], words).stdout
    assert "TASK [Look at it]" in output and "skipping: [one]" in output and "PLAY RECAP" in output


def test_differences_come_with_their_task(tmp_path: Path) -> None:
    copy = {"name": "Copy it", "ansible.builtin.copy": {"content": "a\n", "dest": str(tmp_path / "a"), "mode": "0600"}}
    output = run(tmp_path, [copy], "--check", "--diff").stdout
    assert output.index("Copy it") < output.index("+a")


def test_one_host_has_one_line_and_none_is_told() -> None:
    assert table_of([HostEnd("a", 0.0, 1.25)], 2.0) == ["unchanged after 1.2 s."]
    assert table_of([HostEnd("a", 0.0, 361.8)], 362.0) == ["unchanged after 6 min 2 s."]
    assert table_of([], 0.5) == ["Nothing was done (0.50 s)."]


def test_reasons_are_one_line_of_some_length() -> None:
    ends = [HostEnd("b", 0.0, 1.0, error="x" * 300 + "\nmore", task="Do"), HostEnd("a", 0.0, 2.0, changed=True)]
    first, second, last = table_of(ends, 3.0)
    assert first.split() == ["a", "changed", "2.0", "s"] and second.endswith("x…") and len(second) < 200
    assert last == "2 contexts in 3.0 s, 1 failed."


def test_in_check_mode_nothing_is_said_to_have_changed(tmp_path: Path) -> None:
    rehearsed = {"name": "Rehearse", "ansible.builtin.copy": {"content": "x", "dest": str(tmp_path / "new")}}
    lines = run(tmp_path, [rehearsed], "--check").stdout.split("\n")
    assert lines[0].startswith("  would change: Rehearse (") and lines[-2].startswith("would change after ")
    assert not (tmp_path / "new").exists()
