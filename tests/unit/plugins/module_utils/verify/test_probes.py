"""Questions that need pods, on a real API server: its way to pods and Services is played by a proxy before it."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify import (
    envoy,
    events,
    image_pull,
    name_service,
    probe,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.workspace import Workspace
from api_server import ApiServer
from fault_proxy import Fault, FaultProxy, ProxyHandler, Upstream
from releases import definition, document
from sites import node, put, remove, running, scene, set_status
from standing import stand

IMAGE = "docker.io/istio/proxyv2:1"
BROKER = "http://broker-ingress.knative-eventing.svc.cluster.local"
SERVERS = {"k8s-app": "kube-dns"}


class Ways(FaultProxy):
    """`peer` is what the probe's pod answers, one after the other and the last one from then on.

    `broker` is that with the Broker's statuses. Of the events that it takes, the first `lost` do not get to the
    subscriber, whose log has the rest; `answers` says whether its answers get there.
    """

    def __init__(self, upstream: Upstream) -> None:
        self.peer: list[tuple[int, str]] = [(200, "probe")]
        self.broker = [202]
        self.taken: list[dict[str, str]] = []
        self.lost, self.answers = 0, True
        super().__init__(upstream, _Ways)

    def log(self) -> bytes:
        """As Envoy writes it."""
        types = [envoy.ASK_TYPE, *([envoy.ANSWER_TYPE] if self.answers else [])]
        lines = [f"{envoy.EVENT} {kind} {event['ce-id']}\n" for event in self.taken[self.lost :] for kind in types]
        return "".join(["starting\n", *lines]).encode()


class _Ways(ProxyHandler):
    owner: Ways

    def handle_request(self, body: bytes) -> None:
        faulty = any(fault.times and re.search(fault.path, self.path) for fault in self.owner.faults)
        if faulty or not re.search(r"/proxy/|/log$", self.path):
            return super().handle_request(body)
        if self.path.endswith("/log"):
            return self.answer(200, self.owner.log(), {"Content-Type": "text/plain"})
        if "/pods/" in self.path:
            status, said = self.owner.peer.pop(0) if len(self.owner.peer) > 1 else self.owner.peer[0]
            return self.answer(status, said.encode(), {})
        status = self.owner.broker.pop(0) if len(self.owner.broker) > 1 else self.owner.broker[0]
        if status == 202:
            self.owner.taken.append({name.lower(): value for name, value in self.headers.items()})
        return self.answer(status, b"", {})


@pytest.fixture(scope="module", autouse=True)
def _standing(server: ApiServer) -> None:
    """A node, and Knative Eventing as far as its kinds and one of its Deployments go."""
    site = Cluster.connect("test", str(server.kubeconfig))
    node(site, "one")
    for kind in ("Broker", "Trigger"):
        stand(site, f"crd-{kind.lower()}", [definition("eventing.knative.dev", kind)], form="none")
    for home, name in [*events.CONTROLLERS, *events.CHANNELS]:
        running(site, home, name)


@pytest.fixture
def ways(server: ApiServer, tmp_path: Path) -> Iterator[Ways]:
    pki = server.pki
    certificate, admin = (pki.server_certificate, pki.server_key), (pki.admin_certificate, pki.admin_key)
    proxy = Ways(Upstream("127.0.0.1", server.port, pki.ca_certificate, certificate, admin))
    server.write_kubeconfig(tmp_path / "proxied", proxy.url)
    yield proxy
    proxy.stop()


@pytest.fixture
def workspace(ways: Ways, site: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The probes, in a namespace of their own, as they are when all goes well; limits are short."""
    monkeypatch.setattr(name_service, "_SECONDS", 1.0)
    monkeypatch.setattr(events, "_SECONDS", 3.0)
    monkeypatch.setattr(events, "_REFUSED_PAUSE", 0.1)
    given = scene(
        Cluster.connect("test", str(tmp_path / "proxied")), namespace=f"verify-{uuid.uuid4().hex[:8]}", image=IMAGE
    )
    made = Workspace(given)
    made.fill()
    assert made.trouble == {}
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    set_status(site, document("v1", "Pod", probe.ECHO, metadata=place(made, probe.ECHO)), ready)
    for kind, name in (("Broker", probe.BROKER), *(("Trigger", one) for one in probe.TRIGGERS)):
        status: dict[str, Any] = {"conditions": [{"type": "Ready", "status": "True"}]}
        if kind == "Broker":
            status["address"] = {"url": f"{BROKER}/{made.home}/{probe.BROKER}"}
        put(site, document(probe.EVENTING_VERSION, kind, name, status=status), made.home)
    return made


def place(workspace: Workspace, name: str) -> dict[str, str]:
    return {"name": name, "namespace": workspace.home}


# --- names ----------------------------------------------------------------------------------------------------------


def test_a_name_that_is_resolved_after_a_moment_is(workspace: Workspace, ways: Ways) -> None:
    ways.peer = [(503, "no healthy upstream"), (200, "probe")]
    fact = name_service.ask(workspace.scene, workspace)
    assert fact.ok and fact.text.startswith(f"echo.{workspace.home}.svc is resolved in a pod and leads to its pod")
    assert 0.25 <= fact.figures["first_after_seconds"] < 5


def test_a_name_that_is_not_resolved_is_told_with_what_is_behind_it(
    workspace: Workspace, ways: Ways, site: Cluster
) -> None:
    ways.peer = [(503, "no healthy upstream")]
    fact = name_service.ask(workspace.scene, workspace)
    assert (fact.ok, fact.cause) == (False, "the probe answers 503: no healthy upstream"), "no server is known here"
    service = document("v1", "Service", "kube-dns", spec={"selector": SERVERS, "ports": [{"port": 53}]})
    put(site, {**service, "metadata": {"name": "kube-dns", "labels": SERVERS}}, "kube-system")
    running(site, "kube-system", "coredns", ready=False, **SERVERS)
    fact = name_service.ask(workspace.scene, workspace)
    _probe, endpoints, why = fact.cause.split("; ", 2)
    assert endpoints == "the name server's Service kube-system/kube-dns has no ready endpoint"
    assert why.startswith("Deployment kube-system/coredns"), why
    assert fact.remedy.endswith("-n kube-system get pods -l k8s-app=kube-dns")
    slice_ = {
        **document("discovery.k8s.io/v1", "EndpointSlice", "dns"),
        "metadata": {"name": "dns", "labels": {"kubernetes.io/service-name": "kube-dns"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.0.0.9"], "conditions": {"ready": True}}],
        "ports": [],
    }
    put(site, slice_, "kube-system")
    fact = name_service.ask(workspace.scene, workspace)
    assert fact.cause == "the probe answers 503: no healthy upstream", "the name server is there"
    remove(site, "discovery.k8s.io/v1", "EndpointSlice", "dns", home="kube-system")
    remove(site, "apps/v1", "Deployment", "coredns", home="kube-system")
    remove(site, "v1", "Service", "kube-dns", home="kube-system")


def test_an_api_server_without_a_way_to_pods_says_nothing_of_names(workspace: Workspace, server: ApiServer) -> None:
    """The real one, which finds no node for the pod."""
    direct = scene(Cluster.connect("test", str(server.kubeconfig)))
    fact = name_service.ask(direct, workspace)
    assert fact.cause.startswith("the API server does not reach pods, so nothing could be asked: ")
    assert fact.remedy.startswith("open the way from the API server to the pods")


def test_who_may_not_ask_pods_is_told_so(workspace: Workspace, ways: Ways) -> None:
    said = {"kind": "Status", "message": "pods/proxy is forbidden"}
    ways.faults.append(Fault("GET", "/proxy/", 403, times=99, body=json.dumps(said).encode()))
    assert name_service.ask(workspace.scene, workspace).cause == "pods/proxy is forbidden"


def test_a_probe_that_is_not_there_is_not_asked(workspace: Workspace, ways: Ways, site: Cluster) -> None:
    waiting = {"phase": "Pending", "conditions": [{"type": "Ready", "status": "False"}]}
    set_status(site, document("v1", "Pod", probe.ECHO, metadata=place(workspace, probe.ECHO)), waiting)
    workspace.scene.deadline = Deadline(2)
    fact = name_service.ask(workspace.scene, workspace)
    assert fact.text == "the probe's pod is not there" and f"Pod {workspace.home}/echo" in fact.cause
    workspace.trouble["echo"] = "exceeded quota: pods"
    assert name_service.ask(workspace.scene, workspace).cause == "exceeded quota: pods"
    assert not [path for _method, path in ways.requests if "/proxy/" in path]


# --- images ---------------------------------------------------------------------------------------------------------


def pulled(workspace: Workspace, site: Cluster, message: str = "") -> None:
    """What a scheduler and a kubelet say of the pod, and the event that the latter writes."""
    target = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": probe.PULL}, "target": {"name": "one"}}
    site.transport.call("POST", f"/api/v1/namespaces/{workspace.home}/pods/{probe.PULL}/binding", body=target)
    container = {"name": "probe", "image": IMAGE, "imageID": f"{IMAGE}@sha256:{'1' * 64}", "ready": False}
    container |= {"restartCount": 0, "state": {"terminated": {"exitCode": 0}}}
    pod = document("v1", "Pod", probe.PULL, metadata=place(workspace, probe.PULL))
    set_status(site, pod, {"phase": "Succeeded", "containerStatuses": [container]})
    if message:
        event = document("v1", "Event", "pulled", involvedObject={"kind": "Pod", **place(workspace, probe.PULL)})
        put(site, {**event, "reason": "Pulled", "message": message}, workspace.home)


def test_a_pull_is_told_with_its_time(workspace: Workspace, site: Cluster) -> None:
    pulled(
        workspace, site, f'Successfully pulled image "{IMAGE}" in 1.25s (1.25s including waiting). Image size: 9 bytes.'
    )
    fact = image_pull.ask(workspace.scene, workspace)
    assert fact.ok and f"node one pulled {IMAGE} in 1.25 s from origin (configured)" in fact.text
    assert (fact.figures["milliseconds"], fact.figures["observed"]) == (1250, "")


def test_a_pull_of_which_no_event_tells_holds_without_a_time(workspace: Workspace, site: Cluster, ways: Ways) -> None:
    pulled(workspace, site, "Container image already present on machine")
    assert image_pull.ask(workspace.scene, workspace).figures["milliseconds"] is None
    ways.faults.append(Fault("GET", "/events", 403, times=9))
    fact = image_pull.ask(workspace.scene, workspace)
    assert fact.ok and fact.figures["milliseconds"] is None, "who may not read events has the pull all the same"


def test_a_pod_that_the_cluster_refuses_is_no_pull(workspace: Workspace) -> None:
    workspace.trouble["pull"] = "violates PodSecurity"
    fact = image_pull.ask(workspace.scene, workspace)
    assert (fact.ok, fact.text, fact.cause) == (False, "no pod was made", "violates PodSecurity")


# --- events ---------------------------------------------------------------------------------------------------------


def test_an_event_and_its_answer_come(workspace: Workspace, ways: Ways) -> None:
    fact = events.ask(workspace.scene, workspace)
    assert fact.ok and fact.text.startswith("through a Broker to a subscriber in "), fact.cause
    assert fact.figures["events"] == 1 and fact.figures["there_milliseconds"] <= fact.figures["back_milliseconds"]
    (event,) = ways.taken
    assert (event["ce-type"], event["ce-specversion"]) == (envoy.ASK_TYPE, "1.0")


def test_a_broker_that_refuses_at_first_is_asked_again(workspace: Workspace, ways: Ways) -> None:
    ways.broker = [503, 404, 202]
    fact = events.ask(workspace.scene, workspace)
    assert fact.ok and fact.figures["events"] == 1, "what was refused was not sent"


def test_a_connection_that_breaks_is_a_refusal(workspace: Workspace, ways: Ways) -> None:
    ways.faults.append(Fault("POST", "broker-ingress", "reset"))
    fact = events.ask(workspace.scene, workspace)
    assert fact.ok and fact.figures["events"] == 1


def test_an_event_that_is_lost_is_sent_again(workspace: Workspace, ways: Ways, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_AGAIN_SECONDS", 0.3)
    ways.lost = 1
    fact = events.ask(workspace.scene, workspace)
    assert fact.ok and fact.text.endswith("the last of 2 events")


def test_a_broker_that_takes_none_is_told(workspace: Workspace, ways: Ways) -> None:
    ways.broker = [404]
    fact = events.ask(workspace.scene, workspace)
    assert (fact.text, fact.cause) == ("the Broker does not take an event", "the Broker's ingress: it answers 404")
    assert fact.remedy == "run site.yml --tags knative, which brings Eventing back"


@pytest.mark.parametrize("is_log_away", [False, True])
def test_an_event_that_nobody_gets_is_told(workspace: Workspace, ways: Ways, is_log_away: bool) -> None:
    ways.lost = 9
    if is_log_away:
        ways.faults.append(Fault("GET", "/log$", 403, times=999))
    fact = events.ask(workspace.scene, workspace)
    assert fact.text == "1 of 1 events that the Broker took did not arrive in 3 s"
    assert fact.cause == "the Broker took it (202), and no subscriber got it"


def test_an_answer_that_does_not_come_back_is_told(workspace: Workspace, ways: Ways) -> None:
    ways.answers = False
    fact = events.ask(workspace.scene, workspace)
    assert fact.text.startswith("an event arrived after ") and fact.text.endswith("its answer not in 3 s")
    assert fact.cause == "the subscriber got the event, and its answer did not come back"


def test_a_broker_that_does_not_get_ready_is_told(
    workspace: Workspace, site: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_READY_SECONDS", 2.0)
    bad = {"conditions": [{"type": "Ready", "status": "False", "reason": "NoChannel", "message": "no such channel"}]}
    put(site, document(probe.EVENTING_VERSION, "Broker", probe.BROKER, status=bad), workspace.home)
    fact = events.ask(workspace.scene, workspace)
    assert fact.text == "a Broker of the default class does not get Ready" and "no such channel" in fact.cause


def test_a_broker_outside_of_the_cluster_cannot_be_asked(workspace: Workspace, site: Cluster, ways: Ways) -> None:
    status = {"conditions": [{"type": "Ready", "status": "True"}], "address": {"url": "https://broker.example/x"}}
    put(site, document(probe.EVENTING_VERSION, "Broker", probe.BROKER, status=status), workspace.home)
    fact = events.ask(workspace.scene, workspace)
    assert fact.text == "the Broker cannot be asked"
    assert fact.cause == "'https://broker.example/x' is no address of a Service in the cluster"
    assert ways.taken == []


def test_a_broker_that_could_not_be_made_is_told_with_the_controllers(workspace: Workspace, site: Cluster) -> None:
    workspace.trouble["knative-eventing"] = "the webhook does not answer"
    remove(site, "apps/v1", "Deployment", "imc-dispatcher", home="knative-eventing")
    fact = events.ask(workspace.scene, workspace)
    assert fact.cause == ("the webhook does not answer; Deployment knative-eventing/imc-dispatcher is not there")
    running(site, "knative-eventing", "imc-dispatcher")
