# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find misspelt options: inventory variables that begin like a role's options but are none of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path

try:
    import yaml
except ImportError:  # ansible-core itself needs it, so it is there wherever this runs
    yaml = None

# What the inventory says once for all roles; the roles' defaults read these.
SHARED_OPTIONS = frozenset(
    {
        "serverless_context",
        "serverless_gateway_address",
        "serverless_images",
        "serverless_kubeconfig",
        "serverless_namespaces",
        "serverless_node_address",
        "serverless_pins",
        "serverless_registry",
        "serverless_registry_password",
        "serverless_registry_username",
        "serverless_work_dir",
    }
)


def options_of_roles(roles: Path) -> dict[str, set[str]]:
    """Return the option names of every role below a folder, read from their argument_specs."""
    found: dict[str, set[str]] = {}
    for specs in sorted(roles.glob("*/meta/argument_specs.yml")):
        entries = yaml.safe_load(specs.read_text(encoding="utf-8"))["argument_specs"].values()
        found[specs.parent.parent.name] = {name for entry in entries for name in entry.get("options") or {}}
    return found


def misspelt(variables: Iterable[str], options: Mapping[str, set[str]]) -> list[str]:
    """Return one sentence per variable that no role knows, with the nearest option that one does."""
    known = set(SHARED_OPTIONS).union(*options.values())
    prefixes = tuple(f"{word}_" for word in ("serverless", *options))
    sentences = []
    for name in sorted(set(variables) - known):
        if name.startswith(prefixes):
            near = difflib.get_close_matches(name, known, n=1)
            sentences.append(f"{name} is no option of any role" + (f"; did you mean {near[0]}?" if near else ""))
    return sentences
