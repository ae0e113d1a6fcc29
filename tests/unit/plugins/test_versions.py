"""Every module, plugin and role, and every option of a role, says since which version it is there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
VERSIONS = ("1.0.0", "1.1.0")


def documentation_of(file: Path) -> dict[str, Any]:
    """What a module or plugin documents."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".yml":
        return dict(yaml.safe_load(text)["DOCUMENTATION"])
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION":
            return dict(yaml.safe_load(ast.literal_eval(node.value)))
    return {}


def documented() -> Iterator[Path]:
    for folder in ("modules", "inventory", "callback"):
        yield from (ROOT / "plugins" / folder).glob("[a-z]*.py")
    for folder in ("filter", "lookup"):
        yield from (ROOT / "plugins" / folder).glob("*.yml")


@pytest.mark.parametrize("file", sorted(documented()), ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_plugins_say_since_when(file: Path) -> None:
    assert documentation_of(file).get("version_added") in VERSIONS


def test_no_plugin_is_without_documentation() -> None:
    """An action has a module of its name; a filter and a lookup have a file of theirs."""
    folder = ROOT / "plugins"
    names = {kind: {file.stem for file in (folder / kind).glob("[a-z]*.py")} for kind in ("action", "modules")}
    assert names["action"] == names["modules"]
    filters = {file.stem for file in (folder / "filter").glob("*.yml")}
    registered = set()
    for file in (folder / "filter").glob("[a-z]*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name == "filters":
                registered |= {key.value for one in ast.walk(node) if isinstance(one, ast.Dict) for key in one.keys}  # type: ignore[union-attr]
    assert registered == filters
    assert {file.stem for file in (folder / "lookup").glob("[a-z]*.py")} == {
        file.stem for file in (folder / "lookup").glob("*.yml")
    }


@pytest.mark.parametrize("specs", sorted(ROOT.glob("roles/*/meta/argument_specs.yml")), ids=lambda f: f.parts[-3])
def test_roles_and_their_options_say_since_when(specs: Path) -> None:
    for name, entry in yaml.safe_load(specs.read_text(encoding="utf-8"))["argument_specs"].items():
        assert entry.get("version_added") in VERSIONS, name
        silent = [
            option for option, said in entry.get("options", {}).items() if said.get("version_added") not in VERSIONS
        ]
        assert not silent
