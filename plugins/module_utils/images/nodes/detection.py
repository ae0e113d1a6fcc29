# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the nodes of a cluster are reached, by what the cluster says of them: kind, k3d, minikube and others.

Source: nodeInfo.containerRuntimeVersion of the Node API, and how these programs name what a node runs in. Only nodes of
Linux that are Ready are reached (site/node_kinds.py); the others are named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from ...site.cluster_kind import has_no_machine, kind_container, kind_of, minikube_profile
from ...site.node_kinds import node_info, passed_over, treatment
from ..errors import ImageError

# The programs on the controller by which the nodes of each kind of cluster are reached, the first that is there; nodes
# of kind say themselves which of them made them
_PROGRAMS = {
    "kind": ("docker", "podman", "nerdctl"),
    "k3d": ("docker", "podman"),
    "minikube": ("minikube",),
    "docker-desktop": ("docker",),
}
# OpenShift, where an operator owns what is on nodes: by objects (openshift/mirror_sets.py)
MIRROR_SETS = "mirror_sets"
DELIVERIES = ("auto", "nodes", "references", "prepull", MIRROR_SETS, *_PROGRAMS)
_RUNTIMES = {"containerd": "containerd", "docker": "docker", "cri-o": "cri-o"}
_NO_MACHINE = (
    "minikube runs with the driver none, so its node is a machine that minikube cannot log in to; name in "
    "image_prefetch_nodes how a command is run there, with exec: [] where it is this one"
)


@dataclass(frozen=True)
class Delivery:
    """A way of delivery, why it was taken, the nodes as entries of image_prefetch_nodes; others as 'name (kind)'."""

    way: str
    reason: str
    nodes: tuple[dict[str, Any], ...] = ()
    passed_over: tuple[str, ...] = ()


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
    if wanted not in ("auto", *_PROGRAMS):
        return Delivery(wanted, "image_prefetch_delivery says so")
    reachable = [node for node in nodes if treatment(node).delivered]
    others = tuple(passed_over(nodes, "delivered"))
    if wanted in _PROGRAMS:
        if wanted == "minikube" and any(map(has_no_machine, reachable)):
            raise ImageError(f"image_prefetch_delivery is minikube, but {_NO_MACHINE}")
        reached = tuple(_reached(wanted, node, docker_certs, has_program) for node in reachable)
        return Delivery(wanted, "image_prefetch_delivery says so", reached, others)
    kind = kind_of(nodes)
    if kind == "openshift":
        return Delivery(MIRROR_SETS, "OpenShift tells its nodes the mirrors by objects of its own")
    reason = _unreachable(kind, reachable, has_program)
    if reason:
        return Delivery("references", reason)
    reached = tuple(_reached(kind, node, docker_certs, has_program) for node in reachable)
    return Delivery(kind, "the cluster's nodes are of that kind", reached, others)


def _unreachable(kind: str, nodes: list[Mapping[str, Any]], has_program: Callable[[str], bool]) -> str:
    """Return why no command can be run on the nodes of such a cluster, '' if one can."""
    if kind not in _PROGRAMS:
        return "no way to run commands on the nodes is known (image_prefetch_nodes is empty)"
    if kind == "docker-desktop" and any(node_info(node, "containerRuntimeVersion")[:6] != "docker" for node in nodes):
        return "Docker Desktop does not let containers that are its nodes be reached"
    if kind == "minikube" and any(map(has_no_machine, nodes)):
        return _NO_MACHINE
    needed = {kind_container(node).engine for node in nodes} if kind == "kind" else set()
    lacking = sorted(program for program in needed if not has_program(program))
    if not needed and not any(map(has_program, _PROGRAMS[kind])):
        lacking = [" or ".join(_PROGRAMS[kind])]
    return f"the cluster is of {kind}, but there is no command {', '.join(lacking)} here" if lacking else ""


def _reached(
    kind: str, node: Mapping[str, Any], docker_certs: str, has_program: Callable[[str], bool]
) -> dict[str, Any]:
    """Return how one node is reached and which runtime it has. Raises ImageError for a runtime that is not known."""
    name, runtime = node["metadata"]["name"], _runtime(node)
    if kind == "minikube":
        # minikube hands its words to a shell on the node, as the user docker.
        profile = minikube_profile(node)
        words = ["minikube", "--profile", profile, "ssh", "--node", name, "--native-ssh=false", "--", "sudo"]
        return {"name": name, "exec": words, "remote_shell": True, "runtime": runtime}
    if kind == "docker-desktop":
        config = str(PurePath(docker_certs).with_name("daemon.json"))
        return {"name": name, "exec": [], "runtime": "docker", "certs_dir": docker_certs, "config": config}
    if kind == "k3d":
        engine = next(filter(has_program, _PROGRAMS[kind]), _PROGRAMS[kind][0])
        return {"name": name, "exec": [engine, "exec", "--interactive", name], "runtime": "k3s"}
    container = kind_container(node)
    return {"name": name, "exec": [container.engine, "exec", "--interactive", container.name], "runtime": runtime}


def _runtime(node: Mapping[str, Any]) -> str:
    version = node_info(node, "containerRuntimeVersion")
    name = version.partition("://")[0]
    if name not in _RUNTIMES:
        raise ImageError(
            f"node {node['metadata']['name']} has the runtime {version or 'none'}, which is not known here; "
            "write image_prefetch_delivery: references or prepull"
        )
    return _RUNTIMES[name]
