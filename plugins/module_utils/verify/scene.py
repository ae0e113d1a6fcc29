# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all questions stand on: the cluster, the settings, and what was read of the cluster already."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cached_property

from ..kube.client.cluster import Cluster
from ..kube.client.transport import Exchanged
from ..kube.deadline import Deadline
from ..kube.errors import NoAnswer
from ..kube.inventory.inventory import Inventory
from ..kube.inventory.store import read_inventories
from ..kube.objects import Document
from ..openshift.routes import route_address, routed_hosts, routes_of
from ..site.node_kinds import NodeKind, node_kind
from ..site.platform.exposure import Around, Exposure
from ..site.platform.from_here import exposure_from_here
from .settings import Settings

RECORD_NAMESPACE = "kube-system"
_TRIES = 3
_PAUSE = 0.5  # seconds
LOOK_SECONDS = 10.0

METRICS_SERVER, ISTIO, SERVING, EVENTING, TODO = (
    "metrics-server",
    "istio",
    "knative-serving",
    "knative-eventing",
    "todo",
)
# What tells that a part is there, whoever has installed it: API version, kind, namespace, and name or label selector
_MARKS = {
    METRICS_SERVER: ("apiregistration.k8s.io/v1", "APIService", None, "v1beta1.metrics.k8s.io", None),
    ISTIO: ("apps/v1", "Deployment", None, None, "app=istiod"),
    SERVING: ("apps/v1", "Deployment", "knative-serving", "controller", None),
    EVENTING: ("apps/v1", "Deployment", "knative-eventing", "eventing-controller", None),
}


class Scene:
    """`tell` passes a line of progress on; `kubectl` begins a command for people; `deadline` bounds it all.

    What does not change while it is verified is read once.
    """

    def __init__(self, cluster: Cluster, settings: Settings, tell: Callable[[str], None], kubectl: str) -> None:
        self.cluster, self.settings = cluster, settings
        self.tell, self.kubectl = tell, kubectl
        self.deadline = Deadline(settings.timeout)

    @cached_property
    def nodes(self) -> list[Document]:
        return self.cluster.list("v1", "Node", deadline=Deadline(LOOK_SECONDS))

    @cached_property
    def inventories(self) -> dict[str, Inventory]:
        """The releases of this collection by name."""
        found = read_inventories(self.cluster, RECORD_NAMESPACE, Deadline(LOOK_SECONDS))
        return {inventory.release: inventory for inventory in found}

    @cached_property
    def gateway_service(self) -> Document | None:
        place = self.settings.gateway
        return self.cluster.get("v1", "Service", place.name, place.namespace, Deadline(LOOK_SECONDS))

    @cached_property
    def exposure(self) -> Exposure:
        """How the gateway is reached from here, as the report tells it."""
        told, node = self.settings.gateway_address, self.settings.node_address
        return exposure_from_here(Around(self.gateway_service, self.nodes, told, node, self.route))

    @property
    def gateway_address(self) -> str:
        """host:port of the gateway from here; '' where it is reached through the API server alone."""
        return self.exposure.address

    @cached_property
    def routes(self) -> list[Document]:
        """OpenShift's Routes beside the gateway."""
        return routes_of(self.cluster, self.settings.gateway.namespace, Deadline(LOOK_SECONDS))

    @cached_property
    def route(self) -> str:
        """host:port of a router that leads to the gateway, for the hosts of Routes; '' where there is none."""
        return route_address(self.routes, self.settings.gateway.name)

    def is_routed(self, host: str) -> bool:
        """Whether the gateway's address leads a host to it: that of a router does for the hosts of Routes alone."""
        by_router = bool(self.route) and self.gateway_address == self.route
        return not by_router or host in routed_hosts(self.routes, self.settings.gateway.name)

    @cached_property
    def runs_pods(self) -> bool:
        """Whether any node is one on which pods really run: not in a cluster of KWOK or virtual nodes alone."""
        return any(node_kind(node) in (NodeKind.LINUX, NodeKind.DOWN) for node in self.nodes)

    def installed(self, part: str) -> bool:
        """Whether a part is to be there: a release of ours says so, or somebody has installed it."""
        return part in self.inventories or self._is_marked(part)

    def is_ours(self, part: str) -> bool:
        """Whether a part was installed by this collection."""
        return part in self.inventories

    def read(self, path: str, timeout: float) -> Exchanged:
        """A GET of the API server, whatever it answers; one that has no answer is made again. Raises ClusterError."""
        for _number in range(_TRIES - 1):
            try:
                return self.cluster.transport.exchange("GET", path, timeout)
            except NoAnswer as error:
                if error.is_permanent:
                    raise
            time.sleep(_PAUSE)
        return self.cluster.transport.exchange("GET", path, timeout)

    def seconds(self, most: float) -> Deadline:
        """A limit for one thing, within that of all."""
        return Deadline(min(most, self.deadline.remaining))

    def _is_marked(self, part: str) -> bool:
        if part not in _MARKS:
            return False
        api_version, kind, namespace, name, selector = _MARKS[part]
        if name:
            return self.cluster.get(api_version, kind, name, namespace, Deadline(LOOK_SECONDS)) is not None
        return bool(self.cluster.list(api_version, kind, namespace, selector, Deadline(LOOK_SECONDS)))
