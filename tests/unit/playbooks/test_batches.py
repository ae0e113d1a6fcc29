"""Contexts in batches: the next begins when the one before has ended, and not where all of it failed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")


@pytest.mark.parametrize(("batch", "tried"), [("0", ["a", "b", "c"]), ("2", ["a", "b"]), ("34%", ["a"])])
def test_contexts_are_worked_on_in_batches(tmp_path: Path, batch: str, tried: list[str]) -> None:
    variables = {"serverless_kubeconfig": "/nowhere", "ansible_python_interpreter": sys.executable}
    inventory = {"clusters": {"hosts": dict.fromkeys("abc"), "vars": variables}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    done = subprocess.run(
        [PLAYBOOK, "site.yml", "-i", tmp_path / "hosts.yml", "-e", f"serverless_batch={batch}"],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_STDOUT_CALLBACK": "selfhosted.serverless.progress", "ANSIBLE_NOCOLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert sorted(re.findall(r"^  (\w): failed: preflight", done.stdout, re.MULTILINE)) == tried


def test_a_batch_of_the_inventory_is_refused(tmp_path: Path) -> None:
    variables = {"serverless_batch": 2, "ansible_python_interpreter": sys.executable}
    inventory = {"clusters": {"hosts": dict.fromkeys("ab"), "vars": variables}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    done = subprocess.run(
        [PLAYBOOK, "site.yml", "-i", tmp_path / "hosts.yml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and "-e serverless_batch=2" in done.stdout + done.stderr
