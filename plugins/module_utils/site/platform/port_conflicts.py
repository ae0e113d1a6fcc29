# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds the ports at which the gateway's load balancer would be, where a cluster has one address for all of them.

k3s' load balancer is a DaemonSet with the host ports of the Service (k3s pkg/cloudprovider/servicelb.go), so its pods
find no node where another has these ports; Traefik, which k3s installs, has 80 and 443 on every node. Docker Desktop
publishes all load balancers on localhost. Elsewhere each Service gets an address of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..node_kinds import NodeKind, node_kind

# Those that roles/istio gives the gateway
GATEWAY_PORTS = (80, 443, 15021)
_SERVICE = "svccontroller.k3s.cattle.io/svcname"
_SERVICE_HOME = "svccontroller.k3s.cattle.io/svcnamespace"


@dataclass(frozen=True)
class Holder:
    """An object that holds ports of the gateway's: its name for people, and the ports, sorted."""

    what: str
    ports: tuple[int, ...]

    @property
    def is_traefik(self) -> bool:
        """Whether it is the Traefik that k3s installs."""
        return self.what == "Service kube-system/traefik"

    def trouble(self) -> tuple[str, str]:
        """Return what comes of it, and what to do."""
        text = f"{self}, which the gateway's load balancer wants: that will stay pending"
        remedy = (
            "nothing need be done, the gateway is reached by its node port then; istio_gateway_service_type: NodePort"
        )
        remedy += " says so from the start"
        if self.is_traefik:
            remedy += ". To have the ports, start k3s with --disable=traefik"
        return text, remedy

    def __str__(self) -> str:
        return f"{self.what} has {' and '.join(map(str, self.ports))}"


def holders_on_nodes(
    daemon_sets: Sequence[dict[str, Any]], nodes: Sequence[dict[str, Any]], gateway: tuple[str, str]
) -> list[Holder]:
    """Return who holds these ports on every node of Linux, by the DaemonSets; `gateway` is its namespace and name."""
    able = sum(node_kind(node) in (NodeKind.LINUX, NodeKind.DOWN) for node in nodes)
    found = []
    for item in daemon_sets:
        labels = item["metadata"].get("labels") or {}
        service = (labels.get(_SERVICE_HOME, ""), labels.get(_SERVICE, ""))
        ports = _host_ports(item)
        # One that runs on some nodes alone leaves the others.
        everywhere = (item.get("status") or {}).get("desiredNumberScheduled", 0) >= able > 0
        if ports and everywhere and service != gateway:
            own = f"{item['metadata']['namespace']}/{item['metadata']['name']}"
            found.append(Holder(f"Service {'/'.join(service)}" if all(service) else f"DaemonSet {own}", ports))
    return sorted(found, key=lambda holder: holder.what)


def holders_on_localhost(services: Sequence[dict[str, Any]], gateway: tuple[str, str]) -> list[Holder]:
    """Return the other Services of type LoadBalancer with these ports."""
    found = []
    for item in services:
        place = (item["metadata"]["namespace"], item["metadata"]["name"])
        spec = item.get("spec") or {}
        ports = tuple(sorted({entry["port"] for entry in spec.get("ports") or []} & set(GATEWAY_PORTS)))
        if spec.get("type") == "LoadBalancer" and ports and place != gateway:
            found.append(Holder(f"Service {'/'.join(place)}", ports))
    return sorted(found, key=lambda holder: holder.what)


def _host_ports(item: dict[str, Any]) -> tuple[int, ...]:
    pod = item["spec"]["template"]["spec"]
    ports = {entry.get("hostPort") for one in pod.get("containers") or [] for entry in one.get("ports") or []}
    return tuple(sorted(ports & set(GATEWAY_PORTS)))
