# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes of OpenShift that lead to the ingress gateway.

A router passes on the hosts of Routes alone, so each public host needs one; one for a whole domain (wildcardPolicy
Subdomain) is refused by routers unless their administrator allows it. A Route stands in the namespace of its Service.
Sources: github.com/openshift/api route/v1; openshift-knative/serverless-operator, which makes the same Route for each
host of a Knative service.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..kube.client.cluster import Cluster
from ..kube.deadline import Deadline
from ..kube.errors import ApiError
from ..kube.objects import Document
from .detection import ROUTE

HTTP_PORT = 80
GATEWAY_PORT = "http2"  # the name that Istio's charts give the gateway's port 80
# The router would give up after 30 s; Knative lets a request take ten minutes
TIMEOUT = {"haproxy.router.openshift.io/timeout": "600s"}


def public_route(name: str, host: str, gateway: Mapping[str, Any]) -> Document:
    """A Route for one host to the gateway, {namespace, name}; by http, and by https with the router's certificate.

    It has all fields that a server would fill in, so that none is seen to have changed.
    """
    return {
        "apiVersion": ROUTE[0],
        "kind": ROUTE[1],
        "metadata": {"name": name, "namespace": gateway["namespace"], "annotations": dict(TIMEOUT)},
        "spec": {
            "host": host,
            "port": {"targetPort": GATEWAY_PORT},
            "to": {"kind": "Service", "name": gateway["name"], "weight": 100},
            "tls": {"termination": "edge", "insecureEdgeTerminationPolicy": "Allow"},
            "wildcardPolicy": "None",
        },
    }


def route_address(routes: Iterable[Document], service: str) -> str:
    """host:port of a router that has admitted a Route to the gateway's Service; '' where none has.

    It is the router's own name, where it tells it: that of a Route may be one that no name server knows.
    """
    for route in routes:
        spec = route.get("spec") or {}
        if (spec.get("to") or {}).get("name") != service:
            continue
        for ingress in (route.get("status") or {}).get("ingress") or []:
            host = ingress.get("routerCanonicalHostname") or ingress.get("host")
            if host and _is_admitted(ingress):
                return f"{host}:{HTTP_PORT}"
    return ""


def routed_hosts(routes: Iterable[Document], service: str) -> set[str]:
    """The hosts that routers pass on to the gateway's Service."""
    found = set()
    for route in routes:
        leads_there = ((route.get("spec") or {}).get("to") or {}).get("name") == service
        ingresses = (route.get("status") or {}).get("ingress") or []
        found |= {str(item["host"]) for item in ingresses if leads_there and item.get("host") and _is_admitted(item)}
    return found


def serves_routes(cluster: Cluster, deadline: Deadline) -> bool:
    """Whether a cluster serves Routes, also while the API server behind them is away. Raises KubeError."""
    cluster.discovery.ensure(deadline)
    return cluster.discovery.find(*ROUTE) is not None or ROUTE[0] in cluster.discovery.stale


def routes_of(cluster: Cluster, namespace: str, deadline: Deadline, selector: str | None = None) -> list[Document]:
    """The Routes of a namespace, [] where none are served or the user may not see them. Raises KubeError."""
    if not serves_routes(cluster, deadline):
        return []
    try:
        return cluster.list(*ROUTE, namespace, selector, deadline)
    except ApiError as error:
        if error.lacks_permission:
            return []
        raise


def _is_admitted(ingress: Mapping[str, Any]) -> bool:
    conditions = ingress.get("conditions") or []
    return any(item.get("type") == "Admitted" and item.get("status") == "True" for item in conditions)
