# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Node ports that cannot be had: a dry run does not try them, so the plan does."""

from __future__ import annotations

from collections.abc import Iterable

from ..objects import Document, ObjectRef
from .plan import Blocker

PORTS = range(1, 65536)
# The range where the API server is not told another (kube-apiserver --service-node-port-range).
DEFAULT_RANGE = range(30000, 32768)


def wants_node_ports(documents: Iterable[Document]) -> bool:
    """Whether a Service among the documents names a node port."""
    return any(_node_ports(document) for document in documents)


def taken_node_ports(
    documents: Iterable[Document], services: Iterable[Document], leaving: frozenset[str]
) -> tuple[list[Blocker], list[str]]:
    """What forbids the node ports of the documents, and warnings. `services` are those of the cluster; the ports of
    those with a uid in `leaving` get free."""
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
            elif port not in DEFAULT_RANGE and not has_other_range:
                warnings.append(f"{ref}: node port {port} is outside of 30000-32767, the usual range")
    return blockers, warnings


def _node_ports(document: Document) -> list[int]:
    if document["kind"] != "Service" or document["apiVersion"] != "v1":
        return []
    ports = (document.get("spec") or {}).get("ports") or []
    return [port["nodePort"] for port in ports if isinstance(port.get("nodePort"), int) and port["nodePort"] != 0]
