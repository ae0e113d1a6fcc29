"""What the inventory says once is repeated nowhere: in no playbook, role or task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.documentation import options_of

ROOT = Path(__file__).resolve().parents[3]
PLAYBOOKS = sorted((ROOT / "playbooks").glob("*.yml"))
ROLES = sorted(path for path in (ROOT / "roles").iterdir() if path.name not in ("lab", "serverless"))
MODULES = {path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")}


@pytest.mark.parametrize("playbook", PLAYBOOKS, ids=lambda path: path.stem)
def test_every_play_runs_on_the_controller(playbook: Path) -> None:
    assert [play.get("connection") for play in yaml.safe_load(playbook.read_text())] == ["local"]


def test_no_inventory_has_to_say_so() -> None:
    assert not [file for file in (ROOT / "inventories").rglob("*.yml") if "ansible_connection" in file.read_text()]


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_every_role_has_the_variables_of_all_roles(role: Path) -> None:
    meta = yaml.safe_load((role / "meta" / "main.yml").read_text())
    assert meta["dependencies"] == [{"role": "selfhosted.serverless.serverless"}]


def tasks_of(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for item in items:
        found.append(item)
        for part in ("block", "rescue", "always"):
            found += tasks_of(item.get(part) or [])
    return found


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_no_task_repeats_what_the_inventory_says(role: Path) -> None:
    repeated = []
    for file in sorted((role / "tasks").glob("*.yml")):
        for task in tasks_of(yaml.safe_load(file.read_text())):
            for module in MODULES:
                arguments = task.get(f"selfhosted.serverless.{module}") or {}
                repeated += [f"{file.name}: {name}" for name in arguments if name in options_of(module).variables]
    assert not repeated
