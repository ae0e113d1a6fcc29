"""What `make coverage` measures: the code of an action too, which runs in a fork that Ansible ends."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

pytest.importorskip("coverage", reason="figures are taken by coverage, which make setup-dev installs")

from branch_coverage import counted, measured  # noqa: E402

PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")


def test_the_last_task_of_a_play_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several plays, for without patience one or the other may come through."""
    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", "ansible.builtin.minimal")  # which is done at once
    task = {"selfhosted.serverless.secret_check": {"sources": {"a": {"value": "x"}}}}
    data = tmp_path / "data"
    for number in range(4):
        play = tmp_path / "play.yml"
        play.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [task]}]))
        folder = data / str(number)
        folder.mkdir(parents=True)
        assert measured(folder, [str(PLAYBOOK), str(play)]) == 0
        found = counted(folder)["plugins/action/secret_check.py"]
        # What tells of a secret that is not there is not entered
        assert (found.lines - found.lines_missing, found.branches_missing) == (found.lines - 2, 0), f"play {number}"
