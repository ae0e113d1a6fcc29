# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the entries of image_prefetch_nodes to nodes: each has a runtime, and the runtime says what may be set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from .containerd import ContainerdNode
from .crio import CrioNode
from .docker import DockerNode
from .node import Node, NodeError

_RUNTIMES: dict[str, type[Node]] = {
    "containerd": ContainerdNode,
    "k3s": ContainerdNode,
    "docker": DockerNode,
    "cri-o": CrioNode,
}
# k3s leaves a hosts.toml alone that it did not write (k3s pkg/agent/containerd/config.go), so it is told like
# containerd, at once. Its own registries.yaml needs a restart, and after its endpoints the origin is always asked.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "k3s": {
        "certs_dir": "/var/lib/rancher/k3s/agent/etc/containerd/certs.d",
        "address": "/run/k3s/containerd/containerd.sock",
        "ctr": ("k3s", "ctr"),
        "config": "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
    }
}
RUNTIMES = tuple(_RUNTIMES)


def node_from_config(config: Mapping[str, Any]) -> Node:
    """Check one entry and return its node. Raises NodeError that names what is wrong and what may be written."""
    runtime = str(config.get("runtime") or "containerd")
    if runtime not in _RUNTIMES:
        raise NodeError(f"node {config.get('name')}: runtime {runtime} is none of {', '.join(_RUNTIMES)}")
    kind = _RUNTIMES[runtime]
    known = {field.name for field in fields(kind)}
    # What is not set comes as none, '' or [] from a task's arguments; an empty exec is this machine itself.
    given = {key: value for key, value in config.items() if key != "runtime" and (value or key == "exec")}
    unknown = sorted(set(given) - known)
    if unknown or not given.get("name") or not isinstance(given.get("exec"), (list, tuple)):
        raise NodeError(
            f"node {config.get('name') or dict(config)}: name and exec (a list of words) are needed, "
            f"{', '.join(sorted(known - {'name', 'exec'}))} may follow for {runtime}; "
            f"unknown: {', '.join(unknown) or 'none'}"
        )
    return kind(**{**_DEFAULTS.get(runtime, {}), **{key: _value(value) for key, value in given.items()}})


def _value(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return tuple(map(str, value))
    return value if isinstance(value, bool) else str(value)
