# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the container runtime of a node is configured, asked by commands on it."""

from __future__ import annotations

import re
import tomllib
from pathlib import PurePosixPath

from ..nodes.containerd import ContainerdNode
from ..nodes.crio import CrioNode
from ..nodes.docker import DockerNode
from .facts import ContainerdConfig, TextFile

# The file alone does not tell what it imports, nor containerd's defaults, which differ by version. Without the file
# nothing is told: containerd may have been started with another one.
_DUMP = """
[ -f "$1" ] || exit 0
if dump=$(containerd --config "$1" config dump 2>/dev/null); then echo whole; printf '%s\\n' "$dump"; exit; fi
echo file; cat "$1"
"""
# Prints every file that the patterns mean, each with a zero byte before it; a pattern may hold spaces.
_IMPORTED = 'IFS=; for p in "$@"; do for f in $p; do if [ -f "$f" ]; then printf "\\0"; cat "$f"; fi; done; done'
# Prints registries.conf and its drop-ins as "<zero byte><name><zero byte><text>"
_REGISTRIES = (
    'cd "$1" 2>/dev/null || exit 0; for f in registries.conf registries.conf.d/*.conf; do '
    'if [ -f "$f" ]; then printf "\\0%s\\0" "$f"; cat "$f"; fi; done'
)
# Where k3s and RKE2 read it, by a part of the path of the configuration that they write
_RANCHER = {
    "/rancher/k3s/": "/etc/rancher/k3s/registries.yaml",
    "/rancher/rke2/": "/etc/rancher/rke2/registries.yaml",
}
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


def docker_version(node: DockerNode) -> int:
    """Return the major version of a node's docker, 0 for one that is no number. Raises NodeError."""
    said = node.run([*node.docker, "version", "--format", "{{.Server.Version}}"]).decode("utf-8", "replace")
    found = re.match(r"v?(\d+)\.", said)
    return int(found[1]) if found else 0


def crio_registries(node: CrioNode) -> dict[str, str]:
    """Return the texts of registries.conf and its drop-ins, by their names below certs_dir. Raises NodeError."""
    parts = node.run(["sh", "-c", _REGISTRIES, "sh", node.certs_dir]).decode("utf-8", "replace").split("\0")[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def k3s_registries_file(node: ContainerdNode) -> TextFile | None:
    """Return registries.yaml of a node of k3s or RKE2, None where it has none. Raises NodeError."""
    path = next((path for part, path in _RANCHER.items() if part in node.config), "")
    text = node.run(["sh", "-c", _CAT, "sh", path]).decode("utf-8", "replace") if path else ""
    return TextFile(path, text) if text else None
