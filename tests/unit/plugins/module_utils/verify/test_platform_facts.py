"""Workloads, sidecars, domain, Brokers and the pull secret, on a real API server with objects as a site has them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify import (
    brokers,
    domain,
    gateway,
    injection,
    pull_secret,
    workloads,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.facts import Fact
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.settings import PullSecret
from releases import config_map, definition, document, namespace
from sites import node, pods_of, put, remove, running, scale, scene, set_status, until
from standing import stand

ADMISSION = "admissionregistration.k8s.io/v1"


@pytest.fixture(scope="module", autouse=True)
def _standing(server: object) -> Iterator[None]:
    """A node, and the namespaces of the parts."""
    site = Cluster.connect("test", str(server.kubeconfig))  # type: ignore[attr-defined]
    node(site, "one")
    for name in ("istio-system", "knative-serving", "knative-eventing", "todo"):
        site.apply(namespace(name), manager="someone")
    for kind in ("Broker", "Trigger"):
        stand(site, f"crd-{kind.lower()}", [definition("eventing.knative.dev", kind)], form="none")
    stand(site, "crd-ksvc", [definition("serving.knative.dev", "Service")], form="none")
    stand(site, "crd-gateway", [definition("networking.istio.io", "Gateway")], form="none")
    yield


@pytest.fixture
def with_istio(site: Cluster) -> Iterator[Cluster]:
    """A control plane and a gateway that serve, by what their Deployments say."""
    running(site, "istio-system", "istiod", app="istiod")
    running(site, "istio-system", "istio-ingressgateway")
    yield site
    remove(site, "apps/v1", "Deployment", "istiod", "istio-ingressgateway", home="istio-system")


# --- workloads ------------------------------------------------------------------------------------------------------


@pytest.fixture
def with_release(site: Cluster) -> Iterator[Cluster]:
    """A release of ours with a Deployment that serves."""
    running(site, "knative-serving", "activator")
    spec = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "activator", "namespace": "knative-serving"},
    }
    stand(site, "knative-serving", [{**spec, "spec": {"replicas": 1}}])
    yield site
    remove(site, "apps/v1", "Deployment", "activator", home="knative-serving")
    site.delete("v1", "ConfigMap", "release-knative-serving", "kube-system")


def test_nothing_of_ours_is_nothing_to_ask(site: Cluster) -> None:
    assert workloads.ask(scene(site)).skipped


def test_a_workload_with_a_pod_serves(with_release: Cluster) -> None:
    fact = workloads.ask(scene(with_release))
    assert fact.ok and fact.text == "1 of 1 workload of the platform have pods that serve"


def test_one_that_is_scaled_to_nothing_is_named(with_release: Cluster) -> None:
    scale(with_release, "knative-serving", "activator", 0)
    fact = workloads.ask(scene(with_release))
    assert fact.cause == "Deployment knative-serving/activator has been scaled to 0 pods"
    assert fact.remedy.startswith("run site.yml") and "describe deployment activator" in fact.remedy


def test_one_without_pods_is_told_in_the_words_of_the_wait_engine(with_release: Cluster) -> None:
    remove(with_release, "apps/v1", "Deployment", "activator", home="knative-serving")
    until(lambda: not pods_of(with_release, "knative-serving", "activator"))
    running(with_release, "knative-serving", "activator", ready=False)
    waiting = {"reason": "ImagePullBackOff", "message": "Back-off pulling image: not found"}
    entry = {
        "name": "main",
        "image": "x",
        "imageID": "",
        "ready": False,
        "restartCount": 0,
        "state": {"waiting": waiting},
    }
    for pod in pods_of(with_release, "knative-serving", "activator"):
        set_status(with_release, pod, {"phase": "Pending", "containerStatuses": [entry]})
    fact = workloads.ask(scene(with_release))
    assert "Deployment knative-serving/activator has no pod that serves" in fact.cause
    assert "ImagePullBackOff" in fact.cause


def test_one_that_is_gone_is_named(with_release: Cluster) -> None:
    remove(with_release, "apps/v1", "Deployment", "activator", home="knative-serving")
    fact = workloads.ask(scene(with_release))
    assert fact.cause == "Deployment knative-serving/activator is not there"
    running(with_release, "knative-serving", "activator")


def test_the_adapter_that_waits_for_work_is_none_of_them(site: Cluster) -> None:
    idle = ObjectRef("apps/v1", "Deployment", "knative-eventing", "pingsource-mt-adapter")
    other = ObjectRef("apps/v1", "Deployment", "knative-eventing", "another")
    for ref in (idle, other):
        running(site, ref.namespace, ref.name)
        scale(site, ref.namespace, ref.name, 0)
    assert list(workloads.troubles(scene(site), [idle, other])) == [other]
    remove(site, "apps/v1", "Deployment", idle.name, other.name, home="knative-eventing")


# --- injection ------------------------------------------------------------------------------------------------------


def injecting(site: Cluster, name: str) -> None:
    """A policy of the API server in the place of Istio's injector: it adds the sidecar to pods that ask for it."""
    patch = 'Object{spec: Object.spec{containers: [Object.spec.containers{name: "istio-proxy", image: "proxy:1"}]}}'
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    spec = {
        "matchConstraints": {
            "resourceRules": [rule],
            "objectSelector": {"matchLabels": {"sidecar.istio.io/inject": "true"}},
        },
        "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": patch}}],
        "reinvocationPolicy": "Never",
    }
    put(site, document(ADMISSION, "MutatingAdmissionPolicy", name, spec=spec))
    put(site, document(ADMISSION, "MutatingAdmissionPolicyBinding", name, spec={"policyName": name}))


def test_a_pod_gets_its_sidecar_and_nothing_is_stored(with_istio: Cluster) -> None:
    injecting(with_istio, "injector")
    until(lambda: injection.ask(scene(with_istio)).figures.get("injected"))
    fact = injection.ask(scene(with_istio))
    assert fact.figures["injected"] == ["default"] and fact.text.startswith("sidecars in 1 of 1 namespace asked, ")
    assert not with_istio.list("v1", "Pod", "default")
    for kind in ("MutatingAdmissionPolicyBinding", "MutatingAdmissionPolicy"):
        remove(with_istio, ADMISSION, kind, "injector")
    until(lambda: not injection.ask(scene(with_istio)).ok)


def test_an_injection_that_cannot_be_judged_is_no_success(with_istio: Cluster) -> None:
    put(with_istio, {**namespace("full"), "metadata": {"name": "full", "labels": {"istio-injection": "enabled"}}})
    put(with_istio, document("v1", "ResourceQuota", "none", spec={"hard": {"pods": "0"}}), "full")
    until(lambda: "exceeded quota" in injection.ask(scene(with_istio)).text)
    fact = injection.ask(scene(with_istio))
    assert fact.skipped and fact.text.startswith("not judged, for others refuse the pod: full: ")
    remove(with_istio, "v1", "Namespace", "full")


def test_without_an_injector_the_cause_is_that_it_is_off(with_istio: Cluster) -> None:
    fact = injection.ask(scene(with_istio))
    assert not fact.ok
    assert "a pod in default gets no sidecar" in fact.cause
    assert "there is no MutatingWebhookConfiguration of Istio's injector" in fact.cause
    assert fact.remedy == "run site.yml --tags istio"


def test_an_injector_that_is_away_is_told_with_its_pods(with_istio: Cluster) -> None:
    webhook = {
        "name": "object.sidecar-injector.istio.io",
        "clientConfig": {"service": {"namespace": "istio-system", "name": "istiod", "path": "/inject", "port": 443}},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        "objectSelector": {"matchLabels": {"sidecar.istio.io/inject": "true"}},
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    configuration = document(ADMISSION, "MutatingWebhookConfiguration", "injector", webhooks=[webhook])
    configuration["metadata"]["labels"] = {"app": "sidecar-injector"}
    put(with_istio, configuration)
    remove(with_istio, "apps/v1", "Deployment", "istiod", home="istio-system")
    running(with_istio, "istio-system", "istiod", ready=False, app="istiod")
    until(lambda: "failed calling webhook" in injection.ask(scene(with_istio)).cause)
    fact = injection.ask(scene(with_istio))
    assert "Deployment istio-system/istiod has no pod that serves" in fact.cause
    remove(with_istio, ADMISSION, "MutatingWebhookConfiguration", "injector")


def test_namespaces_that_ask_for_sidecars_of_a_revision_that_is_here(with_istio: Cluster) -> None:
    configuration = document(ADMISSION, "MutatingWebhookConfiguration", "injector", webhooks=[])
    configuration["metadata"]["labels"] = {"app": "sidecar-injector", "istio.io/rev": "here"}
    put(with_istio, configuration)
    wanted = {"a": {"istio-injection": "enabled"}, "b": {"istio.io/rev": "here"}, "c": {"istio.io/rev": "elsewhere"}}
    for name, labels in {**wanted, "d": {}}.items():
        put(with_istio, {**namespace(name), "metadata": {"name": name, "labels": labels}})
    assert injection.ask(scene(with_istio)).figures["asked"] == ["a", "b"]
    remove(with_istio, "v1", "Namespace", "a", "b", "c", "d")
    remove(with_istio, ADMISSION, "MutatingWebhookConfiguration", "injector")


def test_without_istio_it_is_not_asked(site: Cluster) -> None:
    assert injection.ask(scene(site)).text == gateway.ask(scene(site)).text == "Istio is not installed"


# --- gateway --------------------------------------------------------------------------------------------------------


def test_a_gateway_that_does_not_answer_is_told_with_its_pods(with_istio: Cluster) -> None:
    put(
        with_istio,
        document("networking.istio.io/v1", "Gateway", "web", spec={"selector": {"istio": "ingressgateway"}}),
        "todo",
    )
    fact = gateway.ask(scene(with_istio, gateway_address="127.0.0.1:1"))
    assert fact.cause == "there is no Service istio-system/istio-ingressgateway"
    port = {"name": "http2", "port": 80, "targetPort": 8080}
    put(with_istio, document("v1", "Service", "istio-ingressgateway", spec={"ports": [port]}), "istio-system")
    scale(with_istio, "istio-system", "istio-ingressgateway", 0)
    fact = gateway.ask(scene(with_istio, gateway_address="127.0.0.1:1"))
    assert fact.text == "127.0.0.1:1 does not answer 3 of 3 requests"
    assert fact.cause == (
        "127.0.0.1:1: connection refused; Deployment istio-system/istio-ingressgateway has been scaled to 0 pods"
    )
    fact = gateway.ask(scene(with_istio))
    assert fact.text == "the gateway does not answer" and "has been scaled to 0 pods" in fact.cause
    remove(with_istio, "v1", "Service", "istio-ingressgateway", home="istio-system")
    remove(with_istio, "networking.istio.io/v1", "Gateway", "web", home="todo")


# --- domain ---------------------------------------------------------------------------------------------------------


def asked_domain(site: Cluster, wanted: str, **data: str) -> Fact:
    running(site, "knative-serving", "controller")
    item = config_map("config-domain", {**data, "_example": "not a domain"})
    item["metadata"]["namespace"] = "knative-serving"
    stand(site, "knative-serving", [item], form="none")
    return domain.ask(scene(site, domain=wanted))


def test_the_domain_is_the_inventorys(site: Cluster) -> None:
    fact = asked_domain(site, "example.com", **{"example.com": ""})
    assert fact.ok and fact.text == "0 of 0 public services in example.com"
    fact = asked_domain(site, "example.org", **{"example.com": ""})
    assert fact.cause == "ConfigMap knative-serving/config-domain has example.com, the inventory example.org"
    assert "knative_domain" in fact.remedy
    assert domain.ask(scene(site)).skipped, "without a wanted one nothing is compared"
    remove(site, "v1", "ConfigMap", "config-domain", home="knative-serving")
    put(site, config_map("config-domain", {"example.com": ""}), "knative-serving")
    assert domain.ask(scene(site, domain="example.org")).text == "config-domain is not of this collection"
    remove(site, "apps/v1", "Deployment", "controller", home="knative-serving")
    assert domain.ask(scene(site, domain="x")).text == "Knative Serving is not installed"


# --- brokers --------------------------------------------------------------------------------------------------------


def test_brokers_of_anybody_are_to_be_ready(site: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    assert brokers.ask(scene(site)).text == "Knative Eventing is not installed"
    for name in {name for _home, name in [*brokers.CONTROLLERS, *brokers.CHANNELS]}:
        running(site, "knative-eventing", name)
    assert brokers.ask(scene(site)).text == "0 of 0 Brokers and Triggers Ready"
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    bad = {"conditions": [{"type": "Ready", "status": "False", "reason": "ChannelTemplate", "message": "no such kind"}]}
    for name, status in (("good", ready), ("default", bad)):
        item = document("eventing.knative.dev/v1", "Broker", name, spec={}, status=status)
        put(site, item, "todo")
    fact = brokers.ask(scene(site))
    assert fact.ok and fact.text == "1 of 2 Brokers and Triggers Ready, 1 on the way", "it was made just now"
    monkeypatch.setattr(brokers, "_YOUNG", 0.0)
    fact = brokers.ask(scene(site))
    assert fact.cause == "Broker todo/default: Ready is False: ChannelTemplate no such kind"
    assert fact.remedy.endswith("kubectl --context test -n todo describe broker default")
    scale(site, "knative-eventing", "imc-dispatcher", 0)
    assert "Deployment knative-eventing/imc-dispatcher has been scaled to 0 pods" in brokers.ask(scene(site)).cause


# --- the pull secret ------------------------------------------------------------------------------------------------

PASSWORD = "canary-0815"


def dockerconfig(registry: str) -> str:
    text = json.dumps({"auths": {registry: {"username": "u", "password": PASSWORD}}})
    return base64.b64encode(text.encode()).decode()


def with_secret(site: Cluster, registry: str, kind: str = "kubernetes.io/dockerconfigjson") -> None:
    remove(site, "v1", "Secret", "registry", home="todo")
    data = {".dockerconfigjson": dockerconfig(registry)}
    put(site, document("v1", "Secret", "registry", type=kind, data=data), "todo")


def test_the_pull_secret(site: Cluster) -> None:
    wanted = PullSecret("r.example:5001")
    assert pull_secret.ask(scene(site)).text == "no registry needs a password (serverless_registry is empty)"
    assert "no pull secret is installed" in pull_secret.ask(scene(site, secret=wanted)).text
    account = document("v1", "ServiceAccount", "default", imagePullSecrets=[{"name": "registry"}])
    account["metadata"]["namespace"] = "todo"
    stand(site, "registry-secret", [account])
    assert "Secret todo/registry is not there" in pull_secret.ask(scene(site, secret=wanted)).cause
    with_secret(site, "other.example")
    fact = pull_secret.ask(scene(site, secret=wanted))
    assert fact.cause == "Secret todo/registry is for other.example, not for r.example:5001"
    assert fact.remedy == "run site.yml --tags registry_secret"
    with_secret(site, "r.example:5001", "Opaque")
    assert "is of type Opaque, not kubernetes.io/dockerconfigjson" in pull_secret.ask(scene(site, secret=wanted)).cause
    with_secret(site, "r.example:5001")
    fact = pull_secret.ask(scene(site, secret=wanted))
    assert fact.ok and fact.text == (
        "Secret registry for r.example:5001 in 1 namespace, 1 of 1 service account pull with it"
    )
    assert PASSWORD not in str(fact) and dockerconfig("r.example:5001") not in str(fact)
    fact = pull_secret.ask(scene(site, secret=PullSecret("r.example:5001", accounts=("default", "builder"))))
    assert fact.cause == "ServiceAccount todo/builder does not pull with Secret registry"
    assert pull_secret.ask(scene(site, secret=PullSecret("r", namespaces=()))).skipped
