"""The question about Knative Serving on a real API server; the test is Knative, a page server its gateway and pods."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify import probe, serving
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.facts import Fact
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.workspace import Workspace
from page_server import PageServer
from releases import definition, deployment, document
from sites import node, put, running, scene
from standing import stand

DOMAIN = "serverless-verify.example.com"


@pytest.fixture(scope="module", autouse=True)
def _standing(server: object) -> None:
    """Knative Serving as far as its kind and one of its Deployments go."""
    site = Cluster.connect("test", str(server.kubeconfig))  # type: ignore[attr-defined]
    node(site, "one")
    stand(site, "crd-ksvc", [definition("serving.knative.dev", "Service")], form="none")
    running(site, "knative-serving", "controller")


@pytest.fixture
def page() -> Iterator[PageServer]:
    """What is at the gateway's address."""
    served = PageServer()
    yield served
    served.stop()


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a test runs into; none of those that it must keep to."""
    for name in ("_FIRST_SECONDS", "_ASLEEP_SECONDS"):
        monkeypatch.setattr(serving, name, 2.0)


def asked(site: Cluster, page: PageServer, ready: bool = True, made: Callable[[Workspace], None] | None = None) -> Fact:
    """The answer; `made` is called with the probes when they stand.

    Each has a namespace of its own, which goes with the API server: to see one go takes 5 s.
    """
    home = f"verify-{uuid.uuid4().hex[:8]}"
    address = f"127.0.0.1:{page.port}"
    given = scene(site, namespace=home, image="proxy:1", pull=False, warm_requests=5, gateway_address=address)
    workspace = Workspace(given)
    workspace.fill()
    assert workspace.trouble == {}
    condition = {"type": "Ready", "status": str(ready), "reason": "RevisionMissing", "message": "no image"}
    status: dict[str, Any] = {"conditions": [condition], "url": f"http://{workspace.hello}.{DOMAIN}"}
    put(site, document(probe.SERVING_VERSION, "Service", workspace.hello, status=status), workspace.home)
    if made:
        made(workspace)
    return serving.ask(given, workspace)


def failing(page: PageServer, first: int, last: int = 1_000) -> None:
    """From one request for the service to another the page answers 503."""
    lock = threading.Lock()

    def before(_path: str, _version: str) -> None:
        with lock:
            number = sum(host.endswith(DOMAIN) for _at, _path, host in page.requests)
            page.status = 503 if first <= number <= last else 200

    page.before = before


def labelled(workspace: Workspace, item: dict[str, Any]) -> dict[str, Any]:
    item["metadata"]["labels"] = {"serving.knative.dev/service": workspace.hello}
    return item


def test_a_service_that_answers_from_zero_pods_and_then_warm(site: Cluster, page: PageServer) -> None:
    fact = asked(site, page)
    assert fact.ok and fact.text.startswith("from zero pods in ") and " of 5 (127.0.0.1:" in fact.text
    assert fact.figures["warm_requests"] == 5 and fact.figures["warm_failed"] == 0
    assert 0 < fact.figures["warm_p50_milliseconds"] <= fact.figures["warm_p99_milliseconds"]
    hosts = [host for _at, _path, host in page.requests if host.endswith(DOMAIN)]
    assert len(hosts) == 1 + 1 + 5, "the first answer, the one from zero pods, and the warm ones"
    assert len(set(hosts)) == 1 and hosts[0].startswith(f"{probe.HELLO}-")


def test_a_gateway_that_hears_of_the_service_late_is_waited_for(site: Cluster, page: PageServer) -> None:
    failing(page, 1, 2)
    fact = asked(site, page)
    assert fact.ok, fact


def test_a_service_that_does_not_get_ready(site: Cluster, page: PageServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "_READY_SECONDS", 2.0)
    fact = asked(site, page, ready=False)
    assert fact.text == "a new Knative service does not get Ready"
    assert "RevisionMissing" in fact.cause and "Deployment knative-serving/webhook is not there" in fact.cause
    assert fact.remedy.startswith("run site.yml --tags istio,knative")


def test_a_service_that_cannot_be_made(site: Cluster, page: PageServer) -> None:
    def refused(workspace: Workspace) -> None:
        workspace.trouble["knative-serving"] = "admission webhook denied the request"

    fact = asked(site, page, made=refused)
    assert fact.text == "a Knative service cannot be made"
    assert fact.cause.startswith("admission webhook denied the request; ")


def test_a_service_that_is_ready_and_not_answered(site: Cluster, page: PageServer) -> None:
    failing(page, 1)
    fact = asked(site, page)
    assert fact.text.startswith(f"http://{probe.HELLO}-") and fact.text.endswith(f".{DOMAIN}/ is not answered")
    assert fact.cause.startswith(f"127.0.0.1:{page.port}: HTTP 503; ")


def test_pods_that_stay_are_told_and_so_is_a_deployment_that_wants_some(site: Cluster, page: PageServer) -> None:
    def with_pod(workspace: Workspace) -> None:
        pod = document("v1", "Pod", "stays", spec={"containers": [{"name": "main", "image": "app:1"}]})
        put(site, labelled(workspace, pod), workspace.home)

    def with_deployment(workspace: Workspace) -> None:
        put(site, labelled(workspace, deployment("wants", 1)), workspace.home)

    for made in (with_pod, with_deployment):
        fact = asked(site, page, made=made)
        assert fact.text == "a service without requests keeps its pods"
        assert fact.cause.startswith("it has pods after 2 s; ")


def test_no_answer_from_zero_pods(site: Cluster, page: PageServer) -> None:
    failing(page, 2)
    fact = asked(site, page)
    assert fact.text == "no answer from zero pods"
    assert fact.cause.startswith(f"127.0.0.1:{page.port}: HTTP 503 after ") and "cold_seconds" in fact.figures


def test_warm_requests_that_fail_are_counted_and_are_soon_enough(site: Cluster, page: PageServer) -> None:
    failing(page, 4)
    fact = asked(site, page)
    assert not fact.ok
    assert fact.cause.startswith("3 of 4 warm requests failed: HTTP 503; "), "three failures are enough"
    assert (fact.figures["warm_requests"], fact.figures["warm_failed"]) == (4, 3)
