"""The ways to a gateway and to a probe, with a real API server and a real Envoy in the place of both.

The API server passes requests on to any address that pods may have, which those of loopback are not: so Envoy is
reached at this machine's own address.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify import envoy, events, gateway, name_service
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.reach import Direct, ThroughApiServer
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.workspace import Workspace
from envoys import PROGRAMS, Probe
from releases import definition, document, namespace
from sites import Document, node, pods_of, put, running, scene, set_status, until
from standing import stand

SERVICE = "istio-ingressgateway"


def own_address() -> str:
    """The address by which this machine would speak to others; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return probe.getsockname()[0]


@pytest.fixture(scope="module")
def envoy_here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    """Envoy with the probes' configuration, whose peer is a name that leads somewhere."""
    running_envoy = Probe(PROGRAMS[-1], tmp_path_factory.mktemp("envoy"), "localhost")
    yield running_envoy
    running_envoy.process.kill()
    running_envoy.process.wait(10)


@pytest.fixture(scope="module", autouse=True)
def _standing(server: object, envoy_here: Probe) -> None:
    """A gateway whose one endpoint is that Envoy."""
    site = Cluster.connect("test", str(server.kubeconfig))  # type: ignore[attr-defined]
    node(site, "one")
    site.apply(namespace("istio-system"), manager="someone")
    running(site, "istio-system", "istiod", app="istiod")
    running(site, "istio-system", SERVICE)
    stand(site, "crd-gateway", [definition("networking.istio.io", "Gateway")], form="none")
    put(site, document("networking.istio.io/v1", "Gateway", "web", spec={}), "istio-system")
    port = {"name": "http2", "port": 80, "targetPort": envoy_here.port, "protocol": "TCP"}
    put(site, document("v1", "Service", SERVICE, spec={"ports": [port], "selector": {"app": SERVICE}}), "istio-system")
    pod = pods_of(site, "istio-system", SERVICE)[0]
    bind(site, pod["metadata"]["name"])
    here(site, pod)
    # The API server goes by Endpoints still, and by the pods that they name
    until(lambda: (site.get("v1", "Endpoints", SERVICE, "istio-system") or {}).get("subsets", [{}])[0].get("addresses"))


def bind(site: Cluster, name: str) -> None:
    """What the scheduler does: only pods with a node are endpoints."""
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}}
    path = f"/api/v1/namespaces/istio-system/pods/{name}/binding"
    site.transport.call("POST", path, body={**binding, "target": {"apiVersion": "v1", "kind": "Node", "name": "one"}})


def here(site: Cluster, pod: Document) -> None:
    """A pod whose address is this machine's, and which is ready."""
    address = own_address()
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    set_status(site, pod, {**ready, "podIP": address, "podIPs": [{"ip": address}]})


def echo_of(site: Cluster, home: str) -> Document:
    return {"apiVersion": "v1", "kind": "Pod", **(site.get("v1", "Pod", "echo", home) or {})}


def test_a_gateway_that_answers(site: Cluster, envoy_here: Probe) -> None:
    given = scene(site, gateway_address=f"{own_address()}:{envoy_here.port}")
    fact = gateway.ask(given)
    assert fact.ok and fact.text.startswith(f"{own_address()}:{envoy_here.port} answers in ")
    assert 0 < fact.figures["milliseconds"] < 5000
    assert isinstance(gateway.way(given), Direct)


def test_one_without_an_address_outside_is_asked_through_the_api_server(site: Cluster) -> None:
    fact = gateway.ask(scene(site))
    assert fact.ok and fact.figures["address"] == ""
    assert fact.text.startswith("no address outside the cluster; through the API server it answers in ")
    way = gateway.way(scene(site))
    assert isinstance(way, ThroughApiServer)
    reply = way.get("/", "web.todo.example.com", 10)
    assert (reply.status, reply.error, reply.body) == (200, "", b"probe")
    assert way.get("/answer", "", 10).status == 202
    assert ThroughApiServer(site, "istio-system", "none").get("/", "", 10).error == "HTTP 404"


def test_one_that_answers_inside_alone_lacks_the_way_from_here(site: Cluster) -> None:
    given = scene(site, gateway_address="127.0.0.1:1")
    fact = gateway.ask(given)
    assert fact.cause == (
        "127.0.0.1:1: connection refused; inside the cluster it answers, so the way from here is what is missing"
    )
    assert "serverless_gateway_address" in fact.remedy
    assert isinstance(gateway.way(given), ThroughApiServer), "the other facts are asked all the same"


def test_a_probe_is_asked_through_the_api_server(
    site: Cluster, envoy_here: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its peer refuses, or says anything else, on port 80 of this machine; then what was seen is told."""
    monkeypatch.setattr(envoy, "PORT", envoy_here.port)
    monkeypatch.setattr(name_service, "_SECONDS", 2.0)
    with Workspace(scene(site, image="proxy:1", pull=False)) as workspace:
        workspace.fill()
        here(site, echo_of(site, workspace.home))
        fact = name_service.ask(workspace.scene, workspace)
    if fact.ok:
        assert fact.text.startswith(
            "echo.serverless-verify.svc is resolved in a pod and leads to its pod, answered in "
        )
    else:
        assert fact.text == "echo.serverless-verify.svc is not reached from a pod"
        assert fact.cause.startswith("the probe answers ")


def test_a_probe_that_the_api_server_does_not_reach(site: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envoy, "PORT", 1)
    monkeypatch.setattr(name_service, "_SECONDS", 1.0)
    with Workspace(scene(site, image="proxy:1", pull=False)) as workspace:
        workspace.fill()
        here(site, echo_of(site, workspace.home))
        fact = name_service.ask(workspace.scene, workspace)
    assert fact.cause.startswith("the API server does not reach pods, so nothing could be asked: ")


@pytest.mark.parametrize(
    ("url", "text", "cause"),
    [
        ("http://none.istio-system.svc.cluster.local/home/x", "the Broker does not take an event", "it answers 404 "),
        ("http://broker.example.org/", "the Broker cannot be asked", "is no address of a Service in the cluster"),
    ],
)
def test_a_broker_that_takes_no_event(
    site: Cluster, monkeypatch: pytest.MonkeyPatch, url: str, text: str, cause: str
) -> None:
    monkeypatch.setattr(events, "_SECONDS", 1.5)
    given = scene(site)
    fact = events._send(given, Workspace(given), url)
    assert fact.text == text and cause in fact.cause
    assert "Deployment knative-eventing/mt-broker-ingress is not there" in fact.cause
