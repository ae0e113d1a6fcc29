"""Routes to the ingress gateway, as the API server stores them and as routers answer for them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.routes import (
    public_route,
    route_address,
    routed_hosts,
    routes_of,
    serves_routes,
)
from openshift_api import OpenShiftApi

GATEWAY = {"namespace": "istio-system", "name": "istio-ingressgateway"}
SERVICE = GATEWAY["name"]
HOST = "web.todo.example.com"
ROUTER = "router-default.apps.test.example"


def admitted(host: str = HOST, admitted: str = "True", **fields: Any) -> dict[str, Any]:
    """What a router writes into the status of a Route."""
    return {"host": host, "routerName": "default", "conditions": [{"type": "Admitted", "status": admitted}], **fields}


def route(*ingress: dict[str, Any], service: str = SERVICE) -> dict[str, Any]:
    made = public_route("todo-web", HOST, {**GATEWAY, "name": service})
    return {**made, "status": {"ingress": list(ingress)}} if ingress else made


@pytest.mark.parametrize(
    ("routes", "address"),
    [
        ([], ""),
        ([route()], ""),
        ([route(admitted(routerCanonicalHostname=ROUTER))], f"{ROUTER}:80"),
        ([route(admitted())], f"{HOST}:80"),
        ([route(admitted(admitted="False", routerCanonicalHostname=ROUTER))], ""),
        ([route(admitted(admitted="False"), admitted(routerCanonicalHostname=ROUTER))], f"{ROUTER}:80"),
        ([route(admitted(routerCanonicalHostname="others"), service="others")], ""),
        ([route(), route(admitted(routerCanonicalHostname=ROUTER))], f"{ROUTER}:80"),
        ([{"kind": "Route"}], ""),
    ],
)
def test_the_address_is_that_of_a_router_that_has_admitted_a_route(routes: list[Any], address: str) -> None:
    assert route_address(routes, SERVICE) == address


def test_the_hosts_are_those_that_routers_have_admitted() -> None:
    refused = route(admitted("b.example", admitted="False"))
    others = route(admitted("c.example"), service="others")
    assert routed_hosts([route(admitted("a.example")), refused, others, route()], SERVICE) == {"a.example"}


@pytest.fixture
def place(openshift: OpenShiftApi) -> Iterator[tuple[Cluster, str]]:
    """OpenShift, and a namespace for a gateway."""
    cluster, name = openshift.administrator(), f"t-{uuid.uuid4().hex[:8]}"
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield cluster, name
    cluster.delete("v1", "Namespace", name)


def test_a_route_is_stored_as_it_is_sent(place: tuple[Cluster, str]) -> None:
    """A field that the server filled in would be seen as a change in each run."""
    cluster, name = place
    wanted = public_route("todo-web", HOST, {**GATEWAY, "namespace": name})
    stored = cluster.apply(wanted)
    assert stored["spec"] == wanted["spec"]
    [live] = routes_of(cluster, name, Deadline(20))
    assert live["metadata"]["name"] == "todo-web"
    assert routes_of(cluster, "default", Deadline(20)) == []


def test_whoever_may_not_see_routes_is_told_of_none(openshift: OpenShiftApi, tmp_path: Path) -> None:
    config = openshift.user_kubeconfig(tmp_path / "kubeconfig", token=openshift.oauth.give("somebody"))
    assert routes_of(Cluster.connect("test", str(config)), "default", Deadline(20)) == []


def test_elsewhere_there_are_no_routes(cluster: Cluster) -> None:
    assert not serves_routes(cluster, Deadline(20))
    assert routes_of(cluster, "default", Deadline(20)) == []
