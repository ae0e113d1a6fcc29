# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Node ports that cannot be had: a dry run does not try them, so the plan does."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ...client.cluster import Cluster
from ...deadline import Deadline
from ...errors import ApiError
from ...objects import Document, ObjectRef
from ..plan import Blocker

PORTS = range(1, 65536)
FLAG = "--service-node-port-range"
# The range where the API server is not told another (kube-apiserver --service-node-port-range).
DEFAULT_RANGE = range(30000, 32768)


def wants_node_ports(documents: Iterable[Document]) -> bool:
    """Whether a Service among the documents names a node port."""
    return any(_node_ports(document) for document in documents)


def range_of_node_ports(cluster: Cluster, documents: Iterable[Document], deadline: Deadline) -> range | None:
    """The range of the API server, where it matters to the documents; None where it cannot be known.

    No API tells it. Where the control plane runs in pods (kubeadm, kind, minikube, Docker Desktop), their command does.
    Raises KubeError.
    """
    if all(port in DEFAULT_RANGE for document in documents for port in _node_ports(document)):
        return None
    try:
        pods = cluster.list("v1", "Pod", "kube-system", "component=kube-apiserver", deadline)
    except ApiError as error:
        if error.status != 403:
            raise
        return None
    return told_range(pods)


def told_range(pods: Iterable[Document]) -> range | None:
    """The range that all pods of an API server name in their command, or the usual one; None without such pods.

    Ranges are as k8s.io/apimachinery/pkg/util/net (PortRange) reads them.
    """
    found = set()
    for pod in pods:
        containers = (pod.get("spec") or {}).get("containers") or []
        words = [word for one in containers for word in [*(one.get("command") or []), *(one.get("args") or [])]]
        said = re.search(rf"{FLAG}[= ]+(\S+)", " ".join(words))
        found.add(_range(said[1]) if said else DEFAULT_RANGE)
    return found.pop() or None if len(found) == 1 else None


def _range(text: str) -> range:
    """The ports of 30000-32767, 30000+2767 or 8080, which is none where it is written in another way."""
    parts = re.fullmatch(r"(\d+)(?:([-+])(\d+))?", text)
    if not parts:
        return range(0)
    first, more = int(parts[1]), int(parts[3] or 0)
    return range(first, (first + more if parts[2] != "-" else more) + 1)


def taken_node_ports(
    documents: Iterable[Document],
    services: Iterable[Document],
    leaving: frozenset[str],
    allowed: range | None = None,
) -> tuple[list[Blocker], list[str]]:
    """What forbids the node ports of the documents, and warnings. `services` are those of the cluster; the ports of
    those with a uid in `leaving` get free. `allowed` is the API server's range, None where it is not known."""
    taken: dict[int, ObjectRef] = {}
    for service in services:
        if service["metadata"].get("uid") not in leaving:
            taken.update(dict.fromkeys(_node_ports(service), ObjectRef.of(service)))
    has_other_range = any(port not in DEFAULT_RANGE for port in taken)
    blockers, warnings = [], []
    for document in documents:
        ref = ObjectRef.of(document)
        for port in _node_ports(document):
            holder = taken.get(port)
            if port not in PORTS:
                blockers.append(Blocker(str(ref), f"{port} is no port", "Write a number of the node port range, or 0"))
            elif holder is not None and holder.identity != ref.identity:
                remedy = "Choose another one, or 0 to have the cluster choose"
                blockers.append(Blocker(str(ref), f"node port {port} is taken by {holder}", remedy))
            elif allowed is not None and port not in allowed:
                remedy = f"Choose one of them, or 0 to have the cluster choose; {FLAG} of kube-apiserver sets the range"
                those = f"{allowed[0]}-{allowed[-1]}"
                blockers.append(
                    Blocker(str(ref), f"node port {port} is outside of {those}, the cluster's range", remedy)
                )
            elif allowed is None and port not in DEFAULT_RANGE and not has_other_range:
                warnings.append(
                    f"{ref}: node port {port} is outside of 30000-32767, the usual range. The API server refuses it "
                    f"unless its {FLAG} has it; choose one of the usual range, or 0 to have the cluster choose"
                )
    return blockers, warnings


def _node_ports(document: Document) -> list[int]:
    if document["kind"] != "Service" or document["apiVersion"] != "v1":
        return []
    ports = (document.get("spec") or {}).get("ports") or []
    return [port["nodePort"] for port in ports if isinstance(port.get("nodePort"), int) and port["nodePort"] != 0]
