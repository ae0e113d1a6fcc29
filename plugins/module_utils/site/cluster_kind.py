# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which program or provider made a cluster, and how it runs its nodes, judged from Node objects.

Labels, provider IDs and versions come first, for they are what the programs themselves set; the name of a node counts
only where nothing else is said. Sources: kind pkg/cluster/internal/create/actions/config (kind://PROVIDER/CLUSTER/NODE),
minikube pkg/minikube/bootstrapper/bsutil (KubeNodeName) and pkg/minikube/config (MachineName), k3s and k3d (provider
ID, version, osImage of the image rancher/k3s), and the labels that the managed services document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .node_kinds import NodeKind, node_info, node_kind

KUBERNETES = "kubernetes"  # nothing tells more
_ENGINES = ("docker", "podman", "nerdctl")
_LABELS = {
    "minikube.k8s.io/name": "minikube",
    "node.openshift.io/os_id": "openshift",
    "microk8s.io/cluster": "microk8s",
}
_LABEL_BEGINS = {
    "eks.amazonaws.com/": "eks",
    "cloud.google.com/gke-": "gke",
    "kubernetes.azure.com/": "aks",
    "doks.digitalocean.com/": "doks",
}
_VERSION_MARKS = {
    "+rke2": "rke2",
    "+k0s": "k0s",
    "+orb": "orbstack",
    "-eks-": "eks",
    "-gke.": "gke",
    "-aliyun.": "ack",
    "-tke.": "tke",
}
_PROGRAMS = ("kind://", "k3s://")
_SCHEMES = {"aws": "eks", "gce": "gke", "azure": "aks"}
# kernels of the virtual machines in which Docker Desktop runs its nodes
_DESKTOP_KERNELS = ("linuxkit", "microsoft")
MINIKUBE = "minikube.k8s.io/name"
# They run k3s, and so its load balancer and its Traefik, unless these are switched off
K3S_KINDS = ("k3s", "k3d", "rancher-desktop")


@dataclass(frozen=True)
class Container:
    """The container that a node of kind is: the program that made it, the cluster's name, its own name."""

    engine: str
    cluster: str
    name: str


def kind_of(nodes: Sequence[Mapping[str, Any]]) -> str:
    """Return the program or provider that made these nodes; else KUBERNETES.

    Where there are nodes of Linux, they alone are asked: a virtual or KWOK node beside them says nothing of it.
    """
    ordered = [node for node in nodes if node_kind(node) in (NodeKind.LINUX, NodeKind.DOWN)] or nodes
    looks: tuple[Callable[[Mapping[str, Any]], str], ...] = (_by_marks, _by_provider, _by_name)
    return next((kind for look in looks for node in ordered if (kind := look(node))), KUBERNETES)


def told_by(nodes: Sequence[Mapping[str, Any]]) -> str:
    """Return for people how the kind of these nodes is known: by which node, and what that says."""
    kind = kind_of(nodes)
    node = next((node for node in nodes if kind_of([node]) == kind), None)
    if node is None or kind == KUBERNETES:
        return "no node bears the mark of a known program or provider"
    name, provider = node["metadata"]["name"], _provider(node)
    marks = [mark for known in (_LABELS, _LABEL_BEGINS) for mark, meant in known.items() if meant == kind]
    if any(label.startswith(tuple(marks)) for label in _labels(node)):
        return f"labels of node {name}"
    # The clouds' own provider IDs tell whose machine it is, not whose cluster, where a kubelet says more.
    if provider.startswith(_PROGRAMS) or (provider and not node_info(node, "kubeletVersion")):
        return f"node {name} has the provider ID {provider}"
    words = [f"{key} {node_info(node, key)}" for key in ("kubeletVersion", "osImage") if node_info(node, key)]
    return f"node {name} says {', '.join(words)}" if words else f"the name of node {name}"


def kind_container(node: Mapping[str, Any]) -> Container:
    """Return the container that is a node of kind; by docker and the node's name, where it has another provider ID."""
    name = node["metadata"]["name"]
    scheme, _separator, rest = _provider(node).partition("://")
    parts = rest.split("/")
    if scheme != "kind" or len(parts) != 3:
        return Container("docker", "", name)
    return Container(parts[0] if parts[0] in _ENGINES else "docker", parts[1], parts[2] or name)


def minikube_profile(node: Mapping[str, Any]) -> str:
    """Return the profile of a node of minikube."""
    return str(_labels(node).get(MINIKUBE) or node["metadata"]["name"])


def has_no_machine(node: Mapping[str, Any]) -> bool:
    """Return whether a node of minikube is the machine that minikube ran on (driver none), which it cannot log in to.

    All other drivers name nodes PROFILE or PROFILE-m02; the driver none takes the machine's host name.
    """
    profile = re.escape(minikube_profile(node))
    return MINIKUBE in _labels(node) and not re.fullmatch(rf"{profile}(-m\d+)?", node["metadata"]["name"])


def _by_marks(node: Mapping[str, Any]) -> str:
    """Return the kind by labels, provider IDs of the small clusters' programs, and versions."""
    labels = _labels(node)
    found = next((kind for label, kind in _LABELS.items() if label in labels), "")
    if found:
        return found
    if _provider(node).startswith("kind://"):
        return "docker-desktop" if _is_of_desktop(node) else "kind"
    version, runtime = node_info(node, "kubeletVersion"), node_info(node, "containerRuntimeVersion")
    if _provider(node).startswith("k3s://") or "+k3s" in version or "-k3s" in runtime:
        return _of_k3s(node)
    if node_info(node, "osImage") == "Docker Desktop":
        return "docker-desktop"
    found = next((kind for mark, kind in _VERSION_MARKS.items() if mark in version), "")
    return found or next(
        (kind for begin, kind in _LABEL_BEGINS.items() if any(label.startswith(begin) for label in labels)), ""
    )


def _by_provider(node: Mapping[str, Any]) -> str:
    """Return the cloud's own service, where the kubelet says nothing: its own kubelets and labels would tell it."""
    return "" if node_info(node, "kubeletVersion") else _SCHEMES.get(_provider(node).partition(":")[0], "")


def _by_name(node: Mapping[str, Any]) -> str:
    """Return docker-desktop for the names that it alone gives, where the node says nothing else of itself."""
    name = node["metadata"]["name"]
    if _provider(node) or node_info(node, "osImage"):
        return ""
    return "docker-desktop" if re.fullmatch(r"docker-desktop|desktop-(control-plane|worker)\d*", name) else ""


def _of_k3s(node: Mapping[str, Any]) -> str:
    """Return which program runs a node of k3s: k3d from its image, Rancher Desktop in its machine, or k3s alone."""
    name, system = node["metadata"]["name"], node_info(node, "osImage")
    if name == "lima-rancher-desktop" or "rancher desktop" in system.lower():
        return "rancher-desktop"
    is_image = not system or system.startswith(("K3s", "Unknown"))
    return "k3d" if is_image and re.fullmatch(r"k3d-.+-(server|agent)-\d+", name) else "k3s"


def _is_of_desktop(node: Mapping[str, Any]) -> bool:
    """Return whether a node of kind was made by Docker Desktop: its cluster is called desktop, in its own machine.

    A cluster of kind may have that name too; on another kernel it has nothing to do with Docker Desktop.
    """
    kernel = node_info(node, "kernelVersion").lower()
    is_machine = not kernel or any(mark in kernel for mark in _DESKTOP_KERNELS)
    return is_machine and kind_container(node).cluster == "desktop"


def _provider(node: Mapping[str, Any]) -> str:
    return str((node.get("spec") or {}).get("providerID") or "")


def _labels(node: Mapping[str, Any]) -> Mapping[str, str]:
    return (node.get("metadata") or {}).get("labels") or {}
