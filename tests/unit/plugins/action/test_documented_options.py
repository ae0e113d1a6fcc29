"""The options that actions check are those that their documentation names."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
import yaml

PLUGINS = "ansible_collections.selfhosted.serverless.plugins"


def documented(name: str) -> dict[str, Any]:
    document = yaml.safe_load(import_module(f"{PLUGINS}.modules.{name}").DOCUMENTATION)
    options = dict(document["options"])
    for fragment in document.get("extends_documentation_fragment", []):
        module = import_module(f"{PLUGINS}.doc_fragments.{fragment.rpartition('.')[2]}")
        options.update(yaml.safe_load(module.ModuleDocFragment.DOCUMENTATION)["options"])
    return options


def shape(options: dict[str, Any], nested: str) -> dict[str, Any]:
    """What must agree of each option, its own options included."""
    return {
        name: {
            "type": option.get("type", "str"),
            "elements": option.get("elements"),
            "required": option.get("required", False),
            "default": option.get("default"),
            "choices": option.get("choices"),
            "options": shape(option.get(nested) or {}, nested),
        }
        for name, option in options.items()
    }


DRILLS = ["drill", "drill_check", "drill_count", "drill_report"]


@pytest.mark.parametrize("name", ["render", "release", "wait", *DRILLS])
def test_documentation_and_code_agree(name: str) -> None:
    action = import_module(f"{PLUGINS}.action.{name}")
    arguments = action.ActionModule.arguments if name in DRILLS else action.ARGUMENTS
    assert shape(arguments, "options") == shape(documented(name), "suboptions")
