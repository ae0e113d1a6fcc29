# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The to-do application as it stands on a cluster: its variant, and where it is reached from here."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from ..kube.client.cluster import Cluster
from ..kube.deadline import Deadline
from ..kube.objects import Document
from ..openshift.routes import route_address, routes_of
from ..site.gateway import node_host
from ..site.platform.exposure import Around
from ..site.platform.from_here import exposure_from_here
from .errors import DrillError
from .http_client import Address

LOOK_SECONDS = 30.0
KNATIVE_SERVING, APPS = "serving.knative.dev/v1", "apps/v1"
KUBERNETES, ISTIO, KNATIVE = "kubernetes", "istio", "knative"


@dataclass(frozen=True)
class Application:
    """`address` is where requests from here reach web."""

    variant: str
    namespace: str
    address: Address

    def selector(self, service: str) -> str:
        """Label selector of the pods of web, rule or user (both versions of it)."""
        return f"serving.knative.dev/service={service}" if self.variant == KNATIVE else f"app={service}"

    def workload(self, service: str) -> tuple[str, str, str]:
        """API version, kind and name of what makes the pods of web or rule."""
        return (KNATIVE_SERVING if self.variant == KNATIVE else APPS, self.kind, service)

    @property
    def kind(self) -> str:
        return "Service" if self.variant == KNATIVE else "Deployment"


@dataclass(frozen=True)
class Gateway:
    """Namespace and name of the ingress gateway's Service."""

    namespace: str = "istio-system"
    name: str = "istio-ingressgateway"


@dataclass(frozen=True)
class Endpoints:
    """How the inventory says that the cluster is reached from here: the gateway's host:port, and a node's host.

    Either may be empty and is then found out from the cluster, where `service` is the gateway's. `kubectl` begins a
    command for people.
    """

    gateway: str = ""
    node: str = ""
    service: Gateway = Gateway()
    kubectl: str = "kubectl"


def find_application(cluster: Cluster, namespace: str, endpoints: Endpoints) -> Application:
    """Look at the cluster.

    Raises DrillError when the application is not there or has no address outside the cluster.
    """
    knative = cluster.get(KNATIVE_SERVING, "Service", "web", namespace)
    if knative is not None:
        return Application(KNATIVE, namespace, _through_gateway(cluster, endpoints, _host_of(knative)))
    if cluster.get(APPS, "Deployment", "web", namespace) is None:
        raise DrillError(
            f"the to-do application is not in the namespace {namespace}: there is neither a Knative Service nor a "
            "Deployment 'web'. Install it with site.yml --tags todo, or name its namespace by drills_namespace"
        )
    service = cluster.get("v1", "Service", "web", namespace) or {}
    if (service.get("spec") or {}).get("type") == "NodePort":
        return Application(KUBERNETES, namespace, _by_node_port(cluster, endpoints.node, service))
    return Application(ISTIO, namespace, _through_gateway(cluster, endpoints, _host_of_route(cluster, namespace)))


def user_shares(cluster: Cluster, application: Application) -> dict[str, int]:
    """Percent of the requests to `user` that each version gets, as the cluster has it. Raises DrillError."""
    if application.variant == KNATIVE:
        service = cluster.get(KNATIVE_SERVING, "Service", "user", application.namespace) or {}
        entries = (service.get("spec") or {}).get("traffic") or []
        shares = {entry["tag"]: entry.get("percent") or 0 for entry in entries if entry.get("tag")}
    else:
        shares = _shares_of_route(cluster, application.namespace)
    if sorted(shares) != ["v1", "v2"]:
        raise DrillError(f"user does not share its requests between v1 and v2: {shares or 'nothing found'}")
    return shares


def _shares_of_route(cluster: Cluster, namespace: str) -> dict[str, int]:
    route = cluster.get("networking.istio.io/v1", "VirtualService", "user", namespace) or {}
    for entry in (route.get("spec") or {}).get("http") or []:
        shares = {part["destination"].get("subset") or "": part.get("weight", 100) for part in entry.get("route") or []}
        if "v1" in shares or "v2" in shares:
            return {version: shares.get(version, 0) for version in ("v1", "v2")}
    return {}


def _host_of(knative: Document) -> str:
    url = (knative.get("status") or {}).get("url") or ""
    if not url:
        raise DrillError("the Knative Service web has no URL yet; see why: kubectl describe ksvc web")
    return urlsplit(url).netloc


def _host_of_route(cluster: Cluster, namespace: str) -> str:
    route = cluster.get("networking.istio.io/v1", "VirtualService", "web", namespace) or {}
    hosts = (route.get("spec") or {}).get("hosts") or []
    if not hosts:
        raise DrillError(f"there is no VirtualService web with a host in the namespace {namespace}")
    return hosts[0]


def _through_gateway(cluster: Cluster, endpoints: Endpoints, name: str) -> Address:
    if endpoints.gateway:
        return Address.parse(endpoints.gateway, name)
    place = endpoints.service
    service = cluster.get("v1", "Service", place.name, place.namespace)
    route = route_address(routes_of(cluster, place.namespace, Deadline(LOOK_SECONDS)), place.name)
    exposure = exposure_from_here(Around(service, cluster.list("v1", "Node"), node=endpoints.node, route=route))
    if not exposure.address:
        passed = "; ".join(map(str, exposure.passed))
        raise DrillError(
            f"the gateway has no address outside the cluster that answers from here ({passed}). Give one as "
            "serverless_gateway_address, such as 127.0.0.1:8080 while this runs: "
            f"{endpoints.kubectl} -n {place.namespace} port-forward service/{place.name} 8080:80"
        )
    return Address.parse(exposure.address, name)


def _by_node_port(cluster: Cluster, given: str, service: Document) -> Address:
    ports = (service.get("spec") or {}).get("ports") or []
    port = next((entry["nodePort"] for entry in ports if entry.get("nodePort")), None)
    if port is None:
        raise DrillError("the Service web has no node port")
    host = given or node_host(cluster.list("v1", "Node"))
    if not host:
        raise DrillError("no node has an address; give one as serverless_node_address")
    return Address(host, port, f"{host}:{port}")
