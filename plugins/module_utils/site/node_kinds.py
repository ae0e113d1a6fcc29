# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Node object stands for, and what each kind of node gets; docs/nodes.md has the table for people.

Told by labels, annotations, taints, versions and conditions, never by a node's name. Sources: the Node API
(nodeInfo, well-known labels), virtual-kubelet cmd/virtual-kubelet (label type, taint virtual-kubelet.io/provider),
AKS virtual nodes, EKS Fargate, Liqo, interLink, and KWOK's documentation (annotation, taint, runtime version).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class NodeKind(StrEnum):
    """What stands behind a Node object; the values are words for people."""

    LINUX = "Linux"
    DOWN = "Linux, not Ready"
    WINDOWS = "Windows"
    FOREIGN = "another system than Linux"
    VIRTUAL = "virtual kubelet"
    SIMULATED = "KWOK"
    UNBORN = "no kubelet yet"


@dataclass(frozen=True)
class Treatment:
    """What is done with a kind of node.

    `planned`: images must be there for its architecture; `delivered`: it is told mirrors and given images by commands;
    `prepulled`: pods that have kubelets pull are meant for it; `awaited`: these pods and its figures are waited for;
    `addressed`: its address is shown as that of the cluster's node ports.
    """

    planned: bool = False
    delivered: bool = False
    prepulled: bool = False
    awaited: bool = False
    addressed: bool = False


# A cordoned or tainted node is a Linux node as any other: its pods go on, and ours tolerate what it bears.
TREATMENTS: Mapping[NodeKind, Treatment] = {
    NodeKind.LINUX: Treatment(planned=True, delivered=True, prepulled=True, awaited=True, addressed=True),
    NodeKind.DOWN: Treatment(planned=True, prepulled=True),
    NodeKind.WINDOWS: Treatment(),
    NodeKind.FOREIGN: Treatment(),
    NodeKind.VIRTUAL: Treatment(),
    NodeKind.SIMULATED: Treatment(),
    NodeKind.UNBORN: Treatment(prepulled=True),
}

# Labels that virtual nodes bear, by key, with their values; our pods are kept away from them by the same table.
APART: Mapping[str, tuple[str, ...]] = {
    "type": ("virtual-kubelet", "virtual-node", "kwok"),
    "eks.amazonaws.com/compute-type": ("fargate",),
    "liqo.io/type": ("virtual-node",),
    "virtual-node.interlink/type": ("virtual-kubelet",),
}
_VIRTUAL_TAINTS = ("virtual-kubelet.io/", "virtual-node.", "kubernetes.azure.com/virtual-node", "azure.com/aci")
_KWOK = "kwok.x-k8s.io/node"
_VIRTUAL_VERSION = "-vk-"  # of kubelets made with virtual-kubelet's library, as in v1.28.3-vk-azure-aci-1.6.0
_ARCHITECTURES = ("kubernetes.io/arch", "beta.kubernetes.io/arch")
_SYSTEMS = ("kubernetes.io/os", "beta.kubernetes.io/os")


def node_kind(node: Mapping[str, Any]) -> NodeKind:
    """Return what stands behind a Node object. What is not said in it speaks for a Linux node."""
    metadata, labels = node.get("metadata") or {}, _labels(node)
    taints = [str(taint.get("key")) for taint in (node.get("spec") or {}).get("taints") or []]
    runtime, kubelet = node_info(node, "containerRuntimeVersion"), node_info(node, "kubeletVersion")
    annotations = metadata.get("annotations") or {}
    if _KWOK in annotations or _KWOK in taints or labels.get("type") == "kwok" or "kwok" in f"{runtime} {kubelet}":
        return NodeKind.SIMULATED
    if is_apart(node) or _VIRTUAL_VERSION in kubelet or any(key.startswith(_VIRTUAL_TAINTS) for key in taints):
        return NodeKind.VIRTUAL
    system = (node_info(node, "operatingSystem") or _first(labels, _SYSTEMS)).lower()
    if system not in ("linux", ""):
        return NodeKind.WINDOWS if system == "windows" else NodeKind.FOREIGN
    if _says_nothing(node):
        # A kubelet that is Ready tells what it runs on. What has made the object tells nothing before the kubelet does.
        return NodeKind.VIRTUAL if is_ready(node) else NodeKind.UNBORN
    return NodeKind.DOWN if is_down(node) else NodeKind.LINUX


def treatment(node: Mapping[str, Any]) -> Treatment:
    """Return what is done with a node."""
    return TREATMENTS[node_kind(node)]


def passed_over(nodes: Iterable[Mapping[str, Any]], what: str) -> list[str]:
    """Return 'name (kind)' of the nodes that a field of Treatment is false for, sorted."""
    others = [node for node in nodes if not getattr(treatment(node), what)]
    return sorted(f"{node['metadata']['name']} ({node_kind(node)})" for node in others)


def architectures_of(nodes: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the architectures that images are planned for, as Go names them.

    Where all nodes are of kinds that are not planned for (a cluster of KWOK nodes alone), what these say.
    """
    nodes = list(nodes)
    planned = [node for node in nodes if treatment(node).planned]
    return sorted({architecture(node) for node in planned or nodes} - {""})


def architecture(node: Mapping[str, Any]) -> str:
    """Return a node's architecture, by its kubelet, else by its label; '' where neither says it."""
    return node_info(node, "architecture") or _first(_labels(node), _ARCHITECTURES)


def is_apart(node: Mapping[str, Any]) -> bool:
    """Return whether a node bears one of the labels that keep our pods away from it."""
    labels = _labels(node)
    return any(labels.get(key) in values for key, values in APART.items())


def is_ready(node: Mapping[str, Any]) -> bool:
    """Return whether a Node says that it is Ready."""
    return _ready(node) == "True"


def is_down(node: Mapping[str, Any]) -> bool:
    """Return whether a Node says that it is not Ready, or whether nothing has been heard of it."""
    return _ready(node) not in ("True", "")


def node_info(node: Mapping[str, Any], key: str) -> str:
    """Return a field of a node's nodeInfo, '' where it is not there."""
    return str(((node.get("status") or {}).get("nodeInfo") or {}).get(key) or "")


def _ready(node: Mapping[str, Any]) -> str:
    conditions = (node.get("status") or {}).get("conditions") or []
    return next((str(item.get("status")) for item in conditions if item.get("type") == "Ready"), "")


def _says_nothing(node: Mapping[str, Any]) -> bool:
    """Return whether nodeInfo lacks what each kubelet tells: the API server shows all its fields, whoever has set them.

    A virtual kubelet may tell the architecture that its pods get, but it has no runtime.
    """
    info = (node.get("status") or {}).get("nodeInfo") or {}
    return any(key in info and not info[key] for key in ("architecture", "containerRuntimeVersion"))


def _labels(node: Mapping[str, Any]) -> Mapping[str, str]:
    return (node.get("metadata") or {}).get("labels") or {}


def _first(labels: Mapping[str, str], keys: Iterable[str]) -> str:
    return next((labels[key] for key in keys if labels.get(key)), "")
