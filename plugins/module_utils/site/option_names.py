# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find misspelt options: inventory variables that begin like a role's options but are none of them."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from ..plain_yaml import load_plain

# Former options of single roles, by the end of their names: each is one variable of all roles now
_REPLACED = {
    "context": "serverless_context",
    "kubeconfig": "serverless_kubeconfig",
    "images": "serverless_images",
    "work_dir": "serverless_work_dir",
    "registry": "serverless_registry",
    "username": "serverless_registry_username",
    "password": "serverless_registry_password",
    "gateway_name": "serverless_gateway",
    "gateway_namespace": "serverless_gateway",
    "gateway_selector": "serverless_gateway",
    "gateway_address": "serverless_gateway_address",
    "node_address": "serverless_node_address",
    "namespaces": "registry_secret_namespaces",
}


def options_of_roles(roles: Path) -> dict[str, dict[str, Any]]:
    """Return the options of every role below a folder by their names, as its argument_specs has them."""
    found: dict[str, dict[str, Any]] = {}
    for specs in sorted(roles.glob("*/meta/argument_specs.yml")):
        entries = load_plain(specs.read_text(encoding="utf-8"))["argument_specs"].values()
        found[specs.parent.parent.name] = {
            name: option for entry in entries for name, option in (entry.get("options") or {}).items()
        }
    return found


def misspelt(variables: Iterable[str], options: Mapping[str, Collection[str]]) -> list[str]:
    """Return one sentence per variable that no role knows, with what has replaced it or the nearest option there is."""
    known = set().union(*options.values())
    return [
        _sentence(name, role, known)
        for name in sorted(set(variables) - known)
        for role in options
        if name.startswith(f"{role}_")
    ]


def _sentence(name: str, role: str, known: set[str]) -> str:
    replacement = _REPLACED.get(name.removeprefix(f"{role}_"))
    if replacement:
        return f"{name} is no option of any role any more; write {replacement}"
    near = difflib.get_close_matches(name, known, n=1)
    return f"{name} is no option of any role" + (f"; did you mean {near[0]}?" if near else "")
