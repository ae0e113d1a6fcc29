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

# What Ansible gives a meaning of its own
_SPECIAL_TAGS = ("all", "always", "never", "tagged", "untagged")


def options_of_roles(roles: Path) -> dict[str, dict[str, Any]]:
    """Return the options of every role below a folder by their names, as its argument_specs has them."""
    found: dict[str, dict[str, Any]] = {}
    for specs in sorted(roles.glob("*/meta/argument_specs.yml")):
        entries = load_plain(specs.read_text(encoding="utf-8"))["argument_specs"].values()
        found[specs.parent.parent.name] = {
            name: option for entry in entries for name, option in (entry.get("options") or {}).items()
        }
    return found


def defaults_of_roles(roles: Path) -> dict[str, Any]:
    """Return the defaults of all roles below a folder that are no templates."""
    found: dict[str, Any] = {}
    for defaults in sorted(roles.glob("*/defaults/main.yml")):
        values = load_plain(defaults.read_text(encoding="utf-8")) or {}
        found |= {name: value for name, value in values.items() if "{{" not in str(value)}
    return found


def no_contexts(sources: Iterable[str]) -> str:
    """Return what is said where the inventory has no host to run on."""
    said = ", ".join(sources) or "none is named"
    return (
        f"the inventory ({said}) has no host in the group clusters, which the playbooks run on. Name another with -i, "
        "such as -i inventories/kubeconfig for the contexts of your kubeconfig (a file kubeconfig.yml with the line "
        "plugin: selfhosted.serverless.kubeconfig), or add a context to that group"
    )


def misspelt(variables: Iterable[str], options: Mapping[str, Collection[str]]) -> list[str]:
    """Return one sentence per variable that no role knows, with what has replaced it or the nearest option there is.

    A variable is meant for an option where it begins like one, or is one but for hyphens and capitals.
    """
    known = set().union(*options.values())
    found = []
    for name in sorted(set(variables) - known):
        plain = name.lower().replace("-", "_")
        if plain in known:
            found.append(f"{name} is no option of any role; write {plain}")
        else:
            found += [_sentence(name, role, known) for role in options if name.startswith(f"{role}_")]
    return found


def misspelt_tags(to_run: Iterable[str], to_skip: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return one sentence per tag of the command line that nothing in a play has, with the nearest that there is.

    Tags to skip are refused only where one is near: tools skip tags of their own by habit (molecule: notest).
    """
    tags = sorted(set(known) - set(_SPECIAL_TAGS))
    to_run, found = set(to_run), []
    for tag in sorted((to_run | set(to_skip)) - set(tags) - set(_SPECIAL_TAGS)):
        near = difflib.get_close_matches(tag, tags, n=1)
        if near:
            found.append(f"{tag} is no tag of this playbook; did you mean {near[0]}?")
        elif tag in to_run:
            found.append(f"{tag} is no tag of this playbook; there are: {', '.join(tags)}")
    return found


def _sentence(name: str, role: str, known: set[str]) -> str:
    replacement = _REPLACED.get(name.removeprefix(f"{role}_"))
    if replacement:
        return f"{name} is no option of any role any more; write {replacement}"
    near = difflib.get_close_matches(name, known, n=1)
    return f"{name} is no option of any role" + (f"; did you mean {near[0]}?" if near else "")
