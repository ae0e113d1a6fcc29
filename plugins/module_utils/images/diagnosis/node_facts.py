# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the container runtime of a node is configured, asked by commands on it."""

from __future__ import annotations

import tomllib
from pathlib import PurePosixPath

from ..nodes.containerd import ContainerdNode
from ..nodes.docker import DockerNode
from .facts import ContainerdConfig

# The file alone does not tell what it imports, nor containerd's defaults, which differ by version. Without the file
# nothing is told: containerd may have been started with another one.
_DUMP = """
[ -f "$1" ] || exit 0
if dump=$(containerd --config "$1" config dump 2>/dev/null); then echo whole; printf '%s\\n' "$dump"; exit; fi
echo file; cat "$1"
"""
# Prints every file that the patterns mean, each with a zero byte before it; a pattern may hold spaces.
_IMPORTED = 'IFS=; for p in "$@"; do for f in $p; do if [ -f "$f" ]; then printf "\\0"; cat "$f"; fi; done; done'
_CAT = '[ ! -f "$1" ] || cat "$1"'


def containerd_config(node: ContainerdNode) -> ContainerdConfig | None:
    """Return the configuration of a node's containerd, None where its file is not there. Raises NodeError."""
    head, _break, text = node.run(["sh", "-c", _DUMP, "sh", node.config]).decode("utf-8", "replace").partition("\n")
    if not head:
        return None
    imported = () if head == "whole" else _imported(node, text)
    return ContainerdConfig(text, head == "whole", node.certs_dir, node.address, imported, node.config)


def _imported(node: ContainerdNode, text: str) -> tuple[str, ...]:
    """Return the texts that a configuration imports; what these import in turn is not followed."""
    try:
        patterns = tomllib.loads(text).get("imports")
    except tomllib.TOMLDecodeError:
        return ()
    if not isinstance(patterns, list) or not patterns:
        return ()
    folder = PurePosixPath(node.config).parent
    output = node.run(["sh", "-c", _IMPORTED, "sh", *(str(folder / str(pattern)) for pattern in patterns)])
    return tuple(output.decode("utf-8", "replace").split("\0")[1:])


def docker_config(node: DockerNode) -> str | None:
    """Return the text of a node's daemon.json, None where there is none or it is empty. Raises NodeError."""
    return node.run(["sh", "-c", _CAT, "sh", node.config]).decode("utf-8", "replace") or None
