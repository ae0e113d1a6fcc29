# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the gateway's Service and the nodes say of its addresses; site/platform/exposure.py says which one is used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .node_kinds import treatment

HTTP_PORT = 80


def http_node_port(service: dict[str, Any]) -> int | None:
    """Return the node port of a Service's http port, or None."""
    ports = (service.get("spec") or {}).get("ports") or []
    return next((entry.get("nodePort") for entry in ports if entry.get("port") == HTTP_PORT), None)


def node_hosts(nodes: Sequence[dict[str, Any]]) -> list[str]:
    """Return an external and an internal address at which nodes that serve pods are reached, the external one first.

    A node of which nothing is known to be otherwise counts; where there are such alone, a node that is not Ready, too.
    """
    serving = [node for node in nodes if treatment(node).addressed]
    nodes = serving or [node for node in nodes if treatment(node).planned]
    addresses = [address for node in nodes for address in node.get("status", {}).get("addresses", [])]
    found = []
    for wanted in ("ExternalIP", "InternalIP"):
        found += [address["address"] for address in addresses if address.get("type") == wanted][:1]
    return found


def node_host(nodes: Sequence[dict[str, Any]]) -> str | None:
    """Return the first of node_hosts, or None."""
    return next(iter(node_hosts(nodes)), None)
