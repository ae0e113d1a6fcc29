# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the nodes of a cluster are reached, told by what the cluster says of them: kind, k3d, minikube, Docker Desktop.

Source: nodeInfo.containerRuntimeVersion of the Node API, and how these programs name what a node runs in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from ...site.cluster_facts import kind_of
from ..errors import ImageError

# The program on the controller by which the nodes of each kind of cluster are reached
_PROGRAMS = {"kind": "docker", "k3d": "docker", "minikube": "minikube", "docker-desktop": "docker"}
DELIVERIES = ("auto", "nodes", "references", "prepull", *_PROGRAMS)
_RUNTIMES = {"containerd": "containerd", "docker": "docker", "cri-o": "cri-o"}


@dataclass(frozen=True)
class Delivery:
    """A way of delivery, why it was taken, and the nodes as entries of image_prefetch_nodes."""

    way: str
    reason: str
    nodes: tuple[dict[str, Any], ...] = ()


def choose_delivery(
    wanted: str,
    configured: Iterable[Mapping[str, Any]],
    nodes: Iterable[Mapping[str, Any]],
    has_program: Callable[[str], bool],
    docker_certs: str,
) -> Delivery:
    """Return how images get to these Node objects.

    `wanted` is one of DELIVERIES, `configured` are the entries of image_prefetch_nodes, `has_program` tells what the
    controller can run, `docker_certs` is the directory on it where Docker Desktop looks for authorities. Raises
    ImageError for a way that cannot be gone.
    """
    configured, nodes = [dict(item) for item in configured], list(nodes)
    if wanted == "nodes" and not configured:
        raise ImageError(
            "image_prefetch_delivery is nodes, but image_prefetch_nodes is empty; "
            "name there how a command is run on each"
        )
    if configured and wanted in ("auto", "nodes"):
        return Delivery("nodes", "image_prefetch_nodes names them", tuple(configured))
    if wanted in _PROGRAMS:
        return Delivery(
            wanted, "image_prefetch_delivery says so", tuple(_reached(wanted, node, docker_certs) for node in nodes)
        )
    if wanted != "auto":
        return Delivery(wanted, "image_prefetch_delivery says so")
    kind = kind_of(nodes)
    if kind not in _PROGRAMS:
        return Delivery("references", "no way to run commands on the nodes is known (image_prefetch_nodes is empty)")
    if kind == "docker-desktop" and any(_info(node, "containerRuntimeVersion")[:6] != "docker" for node in nodes):
        return Delivery("references", "Docker Desktop does not let containers that are its nodes be reached")
    if not has_program(_PROGRAMS[kind]):
        return Delivery("references", f"the cluster is of {kind}, but there is no command {_PROGRAMS[kind]} here")
    reached = tuple(_reached(kind, node, docker_certs) for node in nodes)
    return Delivery(kind, "the cluster's nodes are of that kind", reached)


def architectures_of(nodes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the architectures of Node objects, as Go names them."""
    return sorted({node["status"]["nodeInfo"]["architecture"] for node in nodes})


def _reached(kind: str, node: Mapping[str, Any], docker_certs: str) -> dict[str, Any]:
    """Return how one node is reached and which runtime it has. Raises ImageError for a runtime that is not known."""
    name, runtime = node["metadata"]["name"], _runtime(node)
    if kind == "minikube":
        # minikube hands its words to a shell on the node, as the user docker.
        profile = (node["metadata"].get("labels") or {}).get("minikube.k8s.io/name", name)
        words = ["minikube", "--profile", profile, "ssh", "--node", name, "--native-ssh=false", "--", "sudo"]
        return {"name": name, "exec": words, "remote_shell": True, "runtime": runtime}
    if kind == "docker-desktop":
        config = str(PurePath(docker_certs).with_name("daemon.json"))
        return {"name": name, "exec": [], "runtime": "docker", "certs_dir": docker_certs, "config": config}
    # Nodes of kind and k3d are containers of the same name.
    words = ["docker", "exec", "--interactive", name]
    return {"name": name, "exec": words, "runtime": "k3s" if kind == "k3d" else runtime}


def _runtime(node: Mapping[str, Any]) -> str:
    version = _info(node, "containerRuntimeVersion")
    name = version.partition("://")[0]
    if name not in _RUNTIMES:
        raise ImageError(
            f"node {node['metadata']['name']} has the runtime {version or 'none'}, which is not known here; "
            "write image_prefetch_delivery: references or prepull"
        )
    return _RUNTIMES[name]


def _info(node: Mapping[str, Any], key: str) -> str:
    return str(((node.get("status") or {}).get("nodeInfo") or {}).get(key) or "")
