# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What k3s and RKE2 do to the mirrors at their next start, because of their own registries.yaml.

Source: k3s pkg/agent/containerd/config.go: for each registry that the file names, the directory below certs.d is
removed and written anew; others are left alone. "*" stands for `_default`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

try:
    import yaml
except ImportError:  # its absence shows when a file is read
    yaml = None  # type: ignore[assignment]

from ...plain_yaml import load_plain
from .facts import Finding, TextFile

TRAP = "registries.yaml"


def k3s_registries(node: str, file: TextFile, sources: Iterable[str]) -> list[Finding]:
    """Look in a node's registries.yaml for registries that the delivery writes too: `sources`, or _default of all."""
    where = f"{node}, {file.path}"
    try:
        document = load_plain(file.text) or {}
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", -1) + 1
        # Its own words would show the text around, which may be a password.
        message = f"is no YAML{f' (line {line})' if line else ''}"
        return [Finding(TRAP, where, message, "Repair it; k3s does not start with it.", fatal=True)]
    if not isinstance(document, Mapping):
        return [Finding(TRAP, where, "is YAML, but no mapping", "Repair it; k3s does not start with it.", fatal=True)]
    named = {*_keys(document.get("mirrors")), *_keys(document.get("configs"))}
    both = sorted({"_default" if host == "*" else host for host in named} & set(sources))
    if not both:
        return []
    shown = ", ".join("*" if host == "_default" else host for host in both)
    message = f"names {shown} too: when k3s starts next, it writes its own hosts.toml in place of the one delivered"
    remedy = (
        f"Take {shown} out of it (what is there is not needed beside the image policy), or run image_prefetch anew."
    )
    return [Finding(TRAP, where, message, remedy)]


def _keys(value: Any) -> set[str]:
    return {str(key) for key in value} if isinstance(value, Mapping) else set()
