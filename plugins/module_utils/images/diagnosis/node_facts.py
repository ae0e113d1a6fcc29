# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the container runtime of a node is configured, asked by commands on it."""

from __future__ import annotations

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
_CAT = '[ ! -f "$1" ] || cat "$1"'


def containerd_config(node: ContainerdNode) -> ContainerdConfig | None:
    """Return the configuration of a node's containerd, None where its file is not there. Raises NodeError."""
    head, _break, text = node.run(["sh", "-c", _DUMP, "sh", node.config]).decode("utf-8", "replace").partition("\n")
    return ContainerdConfig(text, head == "whole", node.certs_dir, node.address) if head else None


def docker_config(node: DockerNode) -> str | None:
    """Return the text of a node's daemon.json, None where there is none or it is empty. Raises NodeError."""
    return node.run(["sh", "-c", _CAT, "sh", node.config]).decode("utf-8", "replace") or None
