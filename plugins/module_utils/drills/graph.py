# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kiali's traffic graph as data: who called whom, and how often.

Source of the form: Kiali's graph/config/common/common.go (before 2.0 graph/config/cytoscape). Rates are texts of
requests, or bytes, per second.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import DrillError

HTTP, TCP = "http", "tcp"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Node:
    """A workload by its app and version, or a service that nobody answered for; the texts may be empty."""

    namespace: str
    app: str
    version: str = ""

    def __str__(self) -> str:
        return f"{self.app} {self.version}".strip()

    def is_of(self, app: str, version: str = "") -> bool:
        """Whether it is this app, and where one is given in this version.

        A revision of Knative without a label of its own for the version has its name there, user-v1-1a2b3c4d.
        """
        named = self.version == version or self.version.startswith(f"{app}-{version}-")
        return self.app == app and (not version or named)


@dataclass(frozen=True)
class Edge:
    """What one node sent to another: `amount` of requests (http), or of bytes in both directions (tcp)."""

    source: Node
    target: Node
    protocol: str
    amount: float


@dataclass(frozen=True)
class Graph:
    """All of one stretch of time. `notes` are further words for a node, each a line."""

    edges: tuple[Edge, ...]
    notes: Mapping[Node, tuple[str, ...]] = field(default_factory=dict)

    @property
    def nodes(self) -> list[Node]:
        """Each node once, in the order in which edges name them, the callers first."""
        ends = [edge.source for edge in self.edges] + [edge.target for edge in self.edges]
        return list(dict.fromkeys([*ends, *self.notes]))

    def sent(self, source: str, target: str, version: str = "", protocol: str = HTTP) -> float:
        """What an app sent to another one, in one version or in all."""
        return sum(
            edge.amount
            for edge in self.edges
            if edge.protocol == protocol and edge.source.is_of(source) and edge.target.is_of(target, version)
        )

    def sent_from_outside(self, inside: Collection[str], target: str = "") -> float:
        """Requests whose sender is in none of these namespaces, such as the gateway; to one app, or to all."""
        return sum(
            edge.amount
            for edge in self.edges
            if edge.protocol == HTTP and edge.source.namespace not in inside and target in ("", edge.target.app)
        )

    def as_json(self) -> list[dict[str, Any]]:
        """Plain values, one entry an edge."""
        return [
            {
                "source": str(edge.source),
                "target": str(edge.target),
                "protocol": edge.protocol,
                "amount": round(edge.amount, 1),
            }
            for edge in self.edges
        ]


def graph_of(document: Mapping[str, Any], seconds: float) -> Graph:
    """Kiali's answer as a graph, with the amounts of `seconds`. Raises DrillError for what is no such answer."""
    try:
        elements = document["elements"]
        data = [item["data"] for item in elements["nodes"]]
        nodes = {item["id"]: _node(item) for item in data if not item.get("isBox")}
        edges = [_edge(item["data"], nodes, seconds) for item in elements["edges"]]
    except (KeyError, TypeError, ValueError) as error:
        raise DrillError(f"Kiali's graph is not of the form that is known: {error!r}") from error
    return Graph(tuple(sorted((edge for edge in edges if edge), key=_order)))


def _node(data: Mapping[str, Any]) -> Node:
    app = data.get("app") or data.get("workload") or data.get("service") or UNKNOWN
    version = data.get("version") or ""
    return Node(data.get("namespace") or "", app, "" if version in (UNKNOWN, "latest") else version)


def _edge(data: Mapping[str, Any], nodes: Mapping[str, Node], seconds: float) -> Edge | None:
    """None for traffic of another kind (gRPC), or for none at all."""
    traffic = data.get("traffic") or {}
    protocol = traffic.get("protocol") or ""
    rate = (traffic.get("rates") or {}).get(protocol)
    if protocol not in (HTTP, TCP) or rate is None:
        return None
    return Edge(nodes[data["source"]], nodes[data["target"]], protocol, float(rate) * seconds)


def _order(edge: Edge) -> tuple[str, ...]:
    return (str(edge.source), str(edge.target), edge.protocol)
