# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the ingress gateway's http port is reached, judged from its Service and the nodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .node_kinds import treatment

HTTP_PORT = 80


def gateway_address(service: dict[str, Any] | None, nodes: Sequence[dict[str, Any]]) -> str | None:
    """Return host:port, or None when the Service is reachable from inside the cluster only.

    A load balancer's address comes first, then the node port on a node's address (external before internal).
    """
    if not service:
        return None
    for ingress in service.get("status", {}).get("loadBalancer", {}).get("ingress") or []:
        host = ingress.get("ip") or ingress.get("hostname")
        if host:
            return f"{host}:{HTTP_PORT}"
    ports = service.get("spec", {}).get("ports", [])
    node_port = next((port.get("nodePort") for port in ports if port.get("port") == HTTP_PORT), None)
    host = node_host(nodes)
    return f"{host}:{node_port}" if node_port and host else None


def node_host(nodes: Sequence[dict[str, Any]]) -> str | None:
    """Return the address of a node that serves pods, an external one before an internal one, or None.

    A node of which nothing is known to be otherwise counts; where there are such alone, a node that is not Ready, too.
    """
    serving = [node for node in nodes if treatment(node).addressed]
    nodes = serving or [node for node in nodes if treatment(node).planned]
    addresses = [address for node in nodes for address in node.get("status", {}).get("addresses", [])]
    for wanted in ("ExternalIP", "InternalIP"):
        for address in addresses:
            if address.get("type") == wanted:
                return address["address"]
    return None
