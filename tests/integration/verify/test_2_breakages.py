"""What is broken by hand is found, and named with its cause. Each test puts back what it broke."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ..conftest import NAMESPACE, until
from .conftest import Verified, Verifier

pytestmark = pytest.mark.acceptance

SERVING, EVENTING = "knative-serving", "knative-eventing"


@contextmanager
def repaired(verifier: Verifier, repair: Callable[[], Any]) -> Iterator[None]:
    """Put back what the test broke, and wait until nothing is found any more."""
    try:
        yield
    finally:
        repair()
        verifier.until_healthy()


@contextmanager
def scaled_to_nothing(verifier: Verifier, namespace: str, deployment: str) -> Iterator[None]:
    """A Deployment without pods."""
    place = ("-n", namespace, "deployment", deployment)

    def back() -> None:
        verifier.site.kubectl("scale", *place, "--replicas=1")
        verifier.site.kubectl("rollout", "status", *place, "--timeout=180s")

    with repaired(verifier, back):
        verifier.site.kubectl("scale", *place, "--replicas=0")
        until("its pods are gone", lambda: not pods_of(verifier, namespace, deployment), 120)
        yield


def pods_of(verifier: Verifier, namespace: str, deployment: str) -> list[dict[str, Any]]:
    """Those that are on their way out, and may still serve, too."""
    live = json.loads(verifier.site.kubectl("get", "deployment", deployment, "-n", namespace, "-o", "json"))
    labels = ",".join(f"{key}={value}" for key, value in live["spec"]["selector"]["matchLabels"].items())
    return verifier.site.objects("pods", "-n", namespace, "-l", labels)


def found(verified: Verified, fact: str, *words: str, also: tuple[str, ...] = ()) -> None:
    """The fact is told with these words, in the last line too, and nothing is that is not a consequence."""
    assert verified.run.code != 0
    assert fact in verified.failed, verified.failed
    for word in words:
        assert word in verified.failed[fact], verified.failed[fact]
    assert set(verified.failed) <= {fact, *also}, verified.failed
    assert verified.facts[fact]["remedy"]
    said = " ".join(verified.run.output.rpartition("PLAY RECAP")[0].split()).rpartition("not hold: ")[2]
    assert f"{fact}: " in said, verified.run.end()


def test_the_gateways_pod_is_away(verifier: Verifier) -> None:
    with scaled_to_nothing(verifier, "istio-system", "istio-ingressgateway"):
        words = ("Deployment istio-system/istio-ingressgateway has been scaled to 0 pods",)
        found(verifier.verify("short"), "gateway", *words, also=("workloads", "application"))


def test_public_services_are_in_another_domain(verifier: Verifier) -> None:
    place = ("configmap", "config-domain", "-n", SERVING, "--type=merge", "-p")
    there = {"data": {"example.com": None, "wrong.example": ""}}
    back = {"data": {"example.com": "", "wrong.example": None}}

    def repair() -> None:
        verifier.site.kubectl("patch", *place, json.dumps(back))
        until("web is where it was", lambda: "example.com" in url_of(verifier, "web"), 60)

    with repaired(verifier, repair):
        verifier.site.kubectl("patch", *place, json.dumps(there))
        until("web is elsewhere", lambda: "wrong.example" in url_of(verifier, "web"), 60)
        found(verifier.verify("short"), "domain", "has wrong.example, the inventory example.com", also=("application",))


def url_of(verifier: Verifier, service: str) -> str:
    return verifier.site.kubectl("get", "ksvc", service, "-n", NAMESPACE, "-o", "jsonpath={.status.url}")


def expired() -> str:
    """A certificate that ended yesterday, as a configuration holds it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "webhook")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now - timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return base64.b64encode(made.public_bytes(serialization.Encoding.PEM)).decode()


def test_the_certificate_of_a_webhook_has_expired(verifier: Verifier) -> None:
    """Knative's own would be renewed at once; this one is of the same server, for a kind that nobody makes."""
    webhook = {
        "name": "verify.example.org",
        "clientConfig": {"service": {"namespace": SERVING, "name": "webhook"}, "caBundle": expired()},
        "rules": [
            {"apiGroups": ["none.example.org"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["x"]}
        ],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    configuration = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "verify-expired"},
        "webhooks": [webhook],
    }
    with repaired(verifier, lambda: verifier.site.kubectl("delete", configuration["kind"], "verify-expired")):
        verifier.site.kubectl("create", "-f", "-", given=json.dumps(configuration))
        found(verifier.verify("short"), "certificates", "webhook verify.example.org", "has expired on")


def test_user_is_shared_otherwise_than_the_inventory_says(verifier: Verifier) -> None:
    live = json.loads(verifier.site.kubectl("get", "ksvc", "user", "-n", NAMESPACE, "-o", "json"))
    traffic = live["spec"]["traffic"]
    shares = {"v1": 90, "v2": 10}
    other = [{**entry, "percent": shares[entry["tag"]]} for entry in traffic]

    def share(entries: list[dict[str, Any]]) -> None:
        patch = json.dumps({"spec": {"traffic": entries}})
        verifier.site.kubectl("patch", "ksvc", "user", "-n", NAMESPACE, "--type=merge", "-p", patch)
        verifier.site.kubectl("wait", "ksvc/user", "-n", NAMESPACE, "--for=condition=Ready", "--timeout=120s")

    with repaired(verifier, lambda: share(traffic)):
        share(other)
        words = ("the cluster shares the requests 90/10 (v1, v2), the inventory says 50/50 (v1, v2)",)
        found(verifier.verify(), "split", *words)


def test_the_brokers_dispatcher_is_away(verifier: Verifier) -> None:
    with scaled_to_nothing(verifier, EVENTING, "imc-dispatcher"):
        words = ("Deployment knative-eventing/imc-dispatcher has been scaled to 0 pods",)
        found(verifier.verify(), "events", *words, also=("workloads", "brokers"))


def test_the_pull_secret_is_gone(verifier: Verifier) -> None:
    def repair() -> None:
        run = verifier.lab.run("site.yml", "--tags", "registry_secret")
        assert run.code == 0, run.end()

    with repaired(verifier, repair):
        verifier.site.kubectl("delete", "secret", "registry", "-n", NAMESPACE)
        found(verifier.verify("short"), "pull-secret", f"Secret {NAMESPACE}/registry is not there")


def test_metrics_server_is_away(verifier: Verifier) -> None:
    with scaled_to_nothing(verifier, "kube-system", "metrics-server"):
        words = ("Deployment kube-system/metrics-server has been scaled to 0 pods",)
        found(verifier.verify("short"), "metrics", *words, also=("workloads",))


def test_the_sidecar_injector_is_off(verifier: Verifier) -> None:
    place = ("mutatingwebhookconfiguration", "istio-sidecar-injector")

    def repair() -> None:
        # By the role, so that the object is ours again
        run = verifier.lab.run("site.yml", "--tags", "istio")
        assert run.code == 0, run.end()

    with repaired(verifier, repair):
        verifier.site.kubectl("delete", *place)
        words = ("gets no sidecar", "there is no MutatingWebhookConfiguration of Istio's injector")
        found(verifier.verify("short"), "injection", *words)


def test_names_are_not_resolved(verifier: Verifier) -> None:
    with scaled_to_nothing(verifier, "kube-system", "coredns"):
        words = ("the name server's Service kube-system/kube-dns has no ready endpoint",)
        # Whoever asks by name fails as well
        also = ("events", "split", "serving", "application", "brokers", "workloads", "injection", "images", "gateway")
        found(verifier.verify(), "dns", *words, also=also)


def test_the_activator_is_away(verifier: Verifier) -> None:
    with scaled_to_nothing(verifier, SERVING, "activator"):
        words = ("Deployment knative-serving/activator has been scaled to 0 pods",)
        found(verifier.verify(), "serving", *words, also=("workloads", "application", "split"))


def test_the_controller_of_ingresses_is_away_when_a_service_is_new(verifier: Verifier) -> None:
    with scaled_to_nothing(verifier, SERVING, "net-istio-controller"):
        words = ("Deployment knative-serving/net-istio-controller has been scaled to 0 pods",)
        found(verifier.verify(), "serving", *words, also=("workloads",))
    # Its finalizer on the probe's ingress held the namespace until it was back
    verifier.verify()
    assert verifier.site.objects("namespaces", "-l", "serverless.selfhosted/verify=probe") == []


def test_a_node_is_not_ready(verifier: Verifier) -> None:
    def says(state: str) -> bool:
        node = verifier.site.objects("nodes")[0]
        return next(c["status"] for c in node["status"]["conditions"] if c["type"] == "Ready") == state

    def repair() -> None:
        verifier.lab.control("start", "kubelet")
        until("the node is Ready", lambda: says("True"), 120)

    with repaired(verifier, repair):
        verifier.lab.control("stop", "kubelet")
        until("nothing is heard of the node", lambda: says("Unknown"), 120)
        # The lab has but one node, without which preflight refuses the playbook; the role alone can be asked
        verified = verifier.verify("short", playbook="tests/integration/verify/alone.yml")
        also = ("metrics", "workloads", "gateway", "application", "injection", "brokers", "clocks")
        found(verified, "nodes", "node lab is not Ready: NodeStatusUnknown", also=also)


def test_a_broker_of_somebody_refers_to_what_is_not_there(verifier: Verifier) -> None:
    home = "verify-other"
    broker = {
        "apiVersion": "eventing.knative.dev/v1",
        "kind": "Broker",
        "metadata": {"name": "default", "namespace": home},
        "spec": {"config": {"apiVersion": "v1", "kind": "ConfigMap", "name": "none", "namespace": home}},
    }
    with repaired(verifier, lambda: verifier.site.kubectl("delete", "namespace", home, "--timeout=120s")):
        verifier.site.kubectl("create", "namespace", home)
        verifier.site.kubectl("create", "-f", "-", given=json.dumps(broker))
        time.sleep(125)  # one that is younger may still be getting ready
        found(verifier.verify(), "brokers", f"Broker {home}/default: Ready is ")


def test_the_second_version_of_user_answers_with_errors(verifier: Verifier) -> None:
    """Its container runs another service, which knows no /user."""
    live = json.loads(verifier.site.kubectl("get", "ksvc", "user", "-n", NAMESPACE, "-o", "json"))
    before = {"template": live["spec"]["template"], "traffic": live["spec"]["traffic"]}
    template = json.loads(json.dumps(before["template"]))
    template["metadata"]["name"] = "user-v2-broken"
    template["spec"]["containers"][0]["args"] = ["todo.web"]
    traffic = [
        {**entry, "revisionName": "user-v2-broken"} if entry["tag"] == "v2" else entry for entry in before["traffic"]
    ]

    def put(spec: dict[str, Any]) -> None:
        patch = json.dumps({"spec": spec})
        verifier.site.kubectl("patch", "ksvc", "user", "-n", NAMESPACE, "--type=merge", "-p", patch)
        verifier.site.kubectl("wait", "ksvc/user", "-n", NAMESPACE, "--for=condition=Ready", "--timeout=180s")

    with repaired(verifier, lambda: put(before)):
        put({"template": template, "traffic": traffic})
        words = ("of 100 requests failed", "HTTP 404", "no answer came from v2")
        found(verifier.verify(), "split", *words, also=("application",))


def test_the_queues_image_cannot_be_pulled(verifier: Verifier) -> None:
    place = ("configmap", "config-deployment", "-n", SERVING)
    before = json.loads(verifier.site.kubectl("get", *place, "-o", "json"))["data"]["queue-sidecar-image"]
    missing = f"{before.partition('@')[0].rpartition(':')[0] or before.partition('@')[0]}:v0.0.0"

    def image(name: str) -> None:
        patch = json.dumps({"data": {"queue-sidecar-image": name}})
        verifier.site.kubectl("patch", *place, "--type=merge", "-p", patch)

    with repaired(verifier, lambda: image(before)):
        image(missing)
        found(verifier.verify(), "serving", missing, also=("application", "split", "workloads"))


def test_the_database_is_away(verifier: Verifier) -> None:
    place = ("-n", NAMESPACE, "statefulset", "database")

    def back() -> None:
        verifier.site.kubectl("scale", *place, "--replicas=1")
        verifier.site.kubectl("rollout", "status", *place, "--timeout=180s")

    with repaired(verifier, back):
        verifier.site.kubectl("scale", *place, "--replicas=0")
        until("it is gone", lambda: not verifier.site.objects("pods", "-n", NAMESPACE, "-l", "app=database"), 60)
        words = (f"StatefulSet {NAMESPACE}/database has been scaled to 0 pods",)
        found(verifier.verify(), "application", *words, also=("workloads",))
