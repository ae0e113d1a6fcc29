"""A whole verification on a real API server: what it asks, what it makes, and that nothing of it stays."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify import image_pull, probe
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify import workspace as workspace_module
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.catalogue import QUESTIONS, questions
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.errors import Interrupted, VerifyError
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.facts import Fact
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.run import verify
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.workspace import Workspace
from api_server import ApiServer
from releases import document, namespace
from sites import node, put, remove, running, scene, until

HOME = "serverless-verify"


@pytest.fixture(autouse=True)
def _standing(site: Cluster) -> None:
    """A node that runs pods, as far as anybody knows."""
    node(site, "one")


def by_name(facts: list[Fact]) -> dict[str, Fact]:
    return {fact.name: fact for fact in facts}


def ours(site: Cluster) -> list[str]:
    found = site.list("v1", "Namespace", label_selector=f"{probe.LABEL}={probe.VALUE}")
    return [item["metadata"]["name"] for item in found]


def everything(site: Cluster) -> dict[str, Any]:
    """The versions of what verification may touch."""
    kinds = (("v1", "Namespace"), ("v1", "Pod"), ("v1", "Service"), ("v1", "Secret"), ("v1", "ConfigMap"))
    return {
        f"{kind} {item['metadata'].get('namespace')}/{item['metadata']['name']}": item["metadata"]["resourceVersion"]
        for api_version, kind in kinds
        for item in site.list(api_version, kind)
    }


def test_names_are_told_once_and_the_short_form_makes_nothing() -> None:
    names = [question.name for question in QUESTIONS]
    assert len(set(names)) == len(names)
    assert {question.name for question in questions(True)} == set(names)
    assert not any(question.writes for question in questions(False))
    assert {question.name for question in QUESTIONS if question.writes} == {"images", "dns", "events", "serving"}


def test_an_empty_cluster_is_no_failure_of_parts_that_are_not_there(site: Cluster) -> None:
    # What a new cluster makes of itself is there then
    until(lambda: len(site.list("v1", "ConfigMap")) >= len(site.list("v1", "Namespace")) >= 4)
    before, told = everything(site), []
    facts = by_name(verify(scene(site, told), full=False))
    assert [name for name, fact in facts.items() if not fact.ok] == []
    assert {name for name, fact in facts.items() if not fact.skipped} == {"api-server", "nodes", "clocks"}
    assert everything(site) == before, "the short form writes nothing"
    assert [line.split()[1] for line in told] == list(facts), "one line for each"


def test_the_short_form_is_quick(site: Cluster) -> None:
    begin = time.monotonic()
    verify(scene(site), full=False)
    assert time.monotonic() - begin < 5, "2 s on a machine that has time"


def test_the_full_form_without_istio_has_nothing_to_run_and_leaves_nothing(site: Cluster) -> None:
    facts = by_name(verify(scene(site), full=True))
    assert [name for name, fact in facts.items() if not fact.ok] == []
    for name in ("images", "dns"):
        assert facts[name].skipped and facts[name].text.endswith("another one is verify_image"), name
    assert facts["events"].text == "Knative Eventing is not installed"
    assert facts["serving"].text == "Knative Serving is not installed"
    assert ours(site) == []


def test_a_gateway_without_pods_tells_no_image(site: Cluster) -> None:
    running(site, "istio-system", "istiod", app="istiod")
    with Workspace(scene(site)) as workspace:
        workspace.fill()
        assert workspace.why_not("echo").startswith(
            "no pod of the gateway (istio=ingressgateway in istio-system) tells an image with Envoy"
        )
        assert "verify_image" in workspace.why_not("pull")
    gateway = document("v1", "Pod", "gateway")
    gateway["metadata"]["labels"] = {"istio": "ingressgateway"}
    gateway["spec"] = {"containers": [{"name": "istio-proxy", "image": "mirror.example/proxyv2:1"}]}
    put(site, gateway, "istio-system")
    with Workspace(scene(site, pull=False)) as workspace:
        workspace.fill()
        assert workspace.image == "mirror.example/proxyv2:1"
        assert {pod["spec"]["containers"][0]["image"] for pod in site.list("v1", "Pod", HOME)} == {workspace.image}
    remove(site, "v1", "Namespace", "istio-system")


def test_pods_that_no_node_takes_are_told_by_the_wait_engine(site: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_pull, "_SECONDS", 3.0)
    told: list[str] = []
    with Workspace(scene(site, told, image="proxy:1")) as workspace:
        workspace.fill()
        assert workspace.trouble == {}
        pods = {pod["metadata"]["name"]: pod for pod in site.list("v1", "Pod", HOME)}
        assert set(pods) == {probe.ECHO, probe.PULL}
        assert pods[probe.PULL]["spec"]["containers"][0]["imagePullPolicy"] == "Always"
        fact = image_pull.ask(workspace.scene, workspace)
    assert not fact.ok and "Pod serverless-verify/pull" in fact.cause
    assert "verify_pull: false" in fact.remedy
    assert ours(site) == []


def test_without_a_pull_no_pod_is_made_for_it(site: Cluster) -> None:
    with Workspace(scene(site, image="docker.io/istio/proxyv2:1", pull=False)) as workspace:
        workspace.fill()
        assert [pod["metadata"]["name"] for pod in site.list("v1", "Pod", HOME)] == [probe.ECHO]
        fact = image_pull.ask(workspace.scene, workspace)
    assert fact.skipped and "by configuration docker.io/istio/proxyv2:1 is from origin" in fact.text


def test_nodes_with_docker_are_asked_for_no_pull(site: Cluster) -> None:
    node(site, "one", runtime="docker://20.10.24")
    with Workspace(scene(site, image="docker.io/istio/proxyv2:1")) as workspace:
        workspace.fill()
        assert [pod["metadata"]["name"] for pod in site.list("v1", "Pod", HOME)] == [probe.ECHO]
        fact = image_pull.ask(workspace.scene, workspace)
    assert fact.skipped and fact.text.startswith("docker knows no mirrors, so ")


def test_the_probes_are_let_into_a_namespace_that_is_restricted(site: Cluster) -> None:
    level = {"pod-security.kubernetes.io/enforce": "restricted"}
    put(site, {**namespace("strict"), "metadata": {"name": "strict", "labels": level}})
    for item in [*probe.echo("strict", "proxy:1"), probe.pull("strict", "proxy:1")]:
        site.create(item)
    remove(site, "v1", "Namespace", "strict")


def test_what_a_failure_leaves_is_taken_away(site: Cluster) -> None:
    with pytest.raises(RuntimeError, match="amid"), Workspace(scene(site, image="proxy:1")) as workspace:
        workspace.fill()
        raise RuntimeError("amid")
    with pytest.raises(Interrupted), Workspace(scene(site, image="proxy:1")) as workspace:
        workspace.fill()
        raise Interrupted("by Ctrl-C")
    assert ours(site) == []


def test_what_a_killed_run_has_left_is_taken_away_under_any_name(site: Cluster) -> None:
    for name in (HOME, "another"):
        put(site, probe.namespace(name))
    told: list[str] = []
    with Workspace(scene(site, told)):
        assert ours(site) == []
    assert any(
        "taking away what an earlier verification left: namespace another, serverless-verify" in line for line in told
    )


def test_what_does_not_go_keeps_nobody_from_verifying(site: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a controller is away whose finalizer holds the namespace."""
    monkeypatch.setattr(workspace_module, "_FORMER_SECONDS", 3.0)
    put(site, probe.namespace(HOME))
    held = document("v1", "ConfigMap", "held")
    held["metadata"]["finalizers"] = ["example.org/hold"]
    put(site, held, HOME)
    told: list[str] = []
    with Workspace(scene(site, told, image="proxy:1", pull=False)) as workspace:
        assert workspace.home.startswith(f"{HOME}-")
        workspace.fill()
        assert site.list("v1", "Pod", workspace.home)
    assert ours(site) == [HOME], "its own goes all the same"
    assert any("going on in the namespace" in line for line in told)
    path = f"/api/v1/namespaces/{HOME}/configmaps/held"
    body = {"metadata": {"finalizers": None}}
    site.transport.call("PATCH", path, body=body, content_type="application/merge-patch+json")
    until(lambda: ours(site) == [])


def test_a_namespace_of_others_is_refused_and_kept(site: Cluster) -> None:
    put(site, namespace("theirs"))
    with pytest.raises(
        VerifyError, match="theirs is there and not of verification; write another name as verify_namespace"
    ):
        verify(scene(site, namespace="theirs"), full=True)
    live = site.get("v1", "Namespace", "theirs")
    assert live is not None and not live["metadata"].get("deletionTimestamp")
    remove(site, "v1", "Namespace", "theirs")


def test_a_namespace_that_somebody_else_makes_meanwhile_is_kept(site: Cluster) -> None:
    with Workspace(scene(site)):
        put(site, namespace(HOME))
    live = site.get("v1", "Namespace", HOME)
    assert live is not None and not live["metadata"].get("deletionTimestamp")
    remove(site, "v1", "Namespace", HOME)


def test_on_a_cluster_of_kwok_nodes_nothing_is_asked_of_pods(server: ApiServer, site: Cluster) -> None:
    remove(site, "v1", "Node", "one")
    node(site, "mock", type="kwok")
    put(site, namespace("istio-system"))
    running(site, "istio-system", "istiod", app="istiod")
    facts = by_name(verify(scene(site), full=True))
    assert [name for name, fact in facts.items() if not fact.ok] == []
    for name in ("injection", "gateway", "images", "dns", "events", "serving"):
        assert facts[name].text == "no node of this cluster runs pods", name
    assert ours(site) == []
    remove(site, "v1", "Node", "mock")
    remove(site, "v1", "Namespace", "istio-system")


def test_an_api_server_that_is_away_is_told_once(server: ApiServer, site: Cluster) -> None:
    """Its port is closed, so there is nothing to wait for."""
    server.api_process.kill()
    server.api_process.wait(30)
    begin = time.monotonic()
    facts = verify(scene(site), full=True)
    assert time.monotonic() - begin < 30
    assert [fact.name for fact in facts if not fact.ok] == ["api-server"]
    assert all(fact.text == "not asked: api-server does not answer" for fact in facts[1:])
    server.start_api_server()
