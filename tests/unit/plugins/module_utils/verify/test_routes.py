"""The way to a gateway behind OpenShift's router: for hosts with a Route by the router, for others past it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.detection import ROUTE
from ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.routes import public_route, routes_of
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify import gateway, probe
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.reach import Direct, ThroughApiServer
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.workspace import Workspace
from openshift_api import OpenShiftApi
from releases import namespace
from sites import scene, set_status

PLACE = {"namespace": "istio-system", "name": "istio-ingressgateway"}
HOST = "web.todo.example.com"


@pytest.fixture(scope="module")
def router() -> Iterator[str]:
    """host:port of something that answers as a router does for a host that it does not know."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

        def do_GET(self) -> None:
            self.send_response(503)
            self.send_header("Content-Length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def site(openshift: OpenShiftApi, router: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """OpenShift with a Route of the application, which the router has admitted."""
    cluster = openshift.administrator()
    cluster.apply(namespace("istio-system"), manager="someone")
    made = cluster.apply(public_route("todo-web", HOST, PLACE), manager="someone")
    admitted = [{"type": "Admitted", "status": "True"}]
    ingress: dict[str, Any] = {"host": HOST, "routerName": "default", "conditions": admitted}
    set_status(cluster, made, {"ingress": [{**ingress, "routerCanonicalHostname": "127.0.0.1"}]})
    # Routers listen on port 80, on which this machine may have something else.
    address = "ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.routes.HTTP_PORT"
    monkeypatch.setattr(address, int(router.rpartition(":")[2]))
    yield cluster
    cluster.delete(*ROUTE, "todo-web", "istio-system")


def test_the_router_is_the_gateways_address(site: Cluster, router: str) -> None:
    assert scene(site).gateway_address == router
    assert scene(site, gateway_address="told:80").gateway_address == "told:80"


def test_a_host_with_a_route_goes_by_the_router_and_others_past_it(site: Cluster) -> None:
    given = scene(site)
    assert isinstance(gateway.way(given, HOST), Direct)
    assert isinstance(gateway.way(given, "hello.verify.example.com"), ThroughApiServer)
    assert isinstance(gateway.way(given, "hello.verify.example.com", is_routed=True), Direct)


def test_an_address_that_is_told_is_no_routers(site: Cluster, router: str) -> None:
    given = scene(site, gateway_address=router.replace("127.0.0.1", "localhost"))
    assert isinstance(gateway.way(given, "hello.verify.example.com"), Direct)


def test_a_probe_gets_a_route_that_goes_with_it(site: Cluster) -> None:
    host, label = "hello.verify.example.com", f"{probe.LABEL}={probe.VALUE}"
    with Workspace(scene(site)) as workspace:
        assert workspace.route(host)
        assert not workspace.route(HOST), "it has one, which is not of verification"
        [made] = routes_of(site, "istio-system", Deadline(20), label)
        assert made["spec"]["host"] == host
    assert routes_of(site, "istio-system", Deadline(20), label) == []
    assert len(routes_of(site, "istio-system", Deadline(20))) == 1


def test_a_route_that_was_left_behind_is_taken_away(site: Cluster) -> None:
    left = public_route("hello-00000", "hello.left.example.com", PLACE)
    left["metadata"]["labels"] = {probe.LABEL: probe.VALUE}
    site.apply(left)
    with Workspace(scene(site)):
        assert [item["metadata"]["name"] for item in routes_of(site, "istio-system", Deadline(20))] == ["todo-web"]
