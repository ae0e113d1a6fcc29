"""When certificates end: those that webhook configurations trust, webhook servers show and Gateways serve."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify import certificates
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.certificates import Held
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.settings import Limits
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from releases import definition, document, namespace
from sites import put, remove, running, scene
from standing import stand

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def pem(begins: timedelta, ends: timedelta) -> bytes:
    """A self-signed certificate, its times counted from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "webhook")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + begins)
        .not_valid_after(NOW + ends)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def inline(*parts: bytes) -> str:
    return base64.b64encode(b"".join(parts)).decode()


GOOD, OLD = pem(-300 * DAY, 400 * DAY), pem(-400 * DAY, -2 * DAY)


@pytest.fixture(scope="module", autouse=True)
def _standing(server: object) -> Iterator[None]:
    site = Cluster.connect("test", str(server.kubeconfig))  # type: ignore[attr-defined]
    for name in ("istio-system", "knative-serving", "todo"):
        site.apply(namespace(name), manager="someone")
    stand(site, "crd", [definition("networking.istio.io", "Gateway")], form="none")
    running(site, "knative-serving", "controller")
    running(site, "istio-system", "istiod", app="istiod")
    yield


def configure(site: Cluster, name: str, home: str, bundle: str) -> None:
    """A webhook for what nobody makes."""
    webhook = {
        "name": f"{name}.example.org",
        "clientConfig": {"service": {"namespace": home, "name": "webhook"}, "caBundle": bundle},
        "rules": [
            {"apiGroups": ["none.example.org"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["x"]}
        ],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    kind = "ValidatingWebhookConfiguration"
    put(site, document("admissionregistration.k8s.io/v1", kind, name, webhooks=[webhook]))


def test_webhooks_of_the_site_alone_are_looked_at(site: Cluster) -> None:
    configure(site, "ours", "knative-serving", inline(GOOD))
    configure(site, "theirs", "todo", inline(OLD))
    fact = certificates.ask(scene(site))
    assert fact.ok and fact.text.startswith("1 certificate, the first ends in 400.0 days (webhook ours")
    configure(site, "ours", "knative-serving", inline(GOOD, OLD))
    fact = certificates.ask(scene(site))
    assert fact.cause == (
        "the certificate of webhook ours.example.org (ValidatingWebhookConfiguration ours) has expired on "
        f"{NOW - 2 * DAY:%Y-%m-%d}"
    )
    assert fact.figures["soonest_days"] < -1.9
    kind = "ValidatingWebhookConfiguration"
    remove(site, "admissionregistration.k8s.io/v1", kind, "ours", "theirs")


def test_a_webhook_with_the_name_of_its_configuration_is_named_once() -> None:
    kind = "ValidatingWebhookConfiguration"
    assert certificates._webhook("a.example.org", f"{kind} a.example.org") == f"{kind} a.example.org"
    assert certificates._webhook("a.example.org", f"{kind} a") == f"webhook a.example.org ({kind} a)"
    assert certificates._webhook("a", f"{kind} b-a") == f"webhook a ({kind} b-a)"


def test_what_webhook_servers_show(site: Cluster) -> None:
    data = {"server-cert.pem": inline(OLD), "server-key.pem": inline(b"a key"), "ca-cert.pem": inline(GOOD)}
    put(site, document("v1", "Secret", "net-istio-webhook-certs", data=data), "knative-serving")
    put(site, document("v1", "Secret", "another", data={"tls.crt": inline(OLD)}), "knative-serving")
    fact = certificates.ask(scene(site))
    assert fact.cause.startswith("the certificate of Secret knative-serving/net-istio-webhook-certs has expired on ")
    assert "another" not in fact.cause and fact.figures["certificates"] == 2
    broken = {"server-cert.pem": inline(b"-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n")}
    put(site, document("v1", "Secret", "webhook-certs", data=broken), "knative-serving")
    assert (
        "Secret knative-serving/webhook-certs has for a certificate cannot be read"
        in certificates.ask(scene(site)).cause
    )
    remove(site, "v1", "Secret", "net-istio-webhook-certs", "webhook-certs", "another", home="knative-serving")


def test_what_gateways_of_ours_serve(site: Cluster) -> None:
    server = {"port": {"number": 443, "name": "https", "protocol": "HTTPS"}, "tls": {"credentialName": "site-tls"}}
    spec = {"selector": {"istio": "ingressgateway"}, "servers": [server]}
    put(site, document("networking.istio.io/v1", "Gateway", "web", spec=spec), "todo")
    put(
        site,
        document("networking.istio.io/v1", "Gateway", "other", spec={**spec, "selector": {"app": "other"}}),
        "todo",
    )
    fact = certificates.ask(scene(site))
    where = "Gateway todo/web (Secret istio-system/site-tls)"
    assert fact.cause == f"{where} has no certificate: there is no such Secret"
    data = {"tls.crt": inline(pem(-300 * DAY, 20 * DAY)), "tls.key": inline(b"k")}
    put(site, document("v1", "Secret", "site-tls", data=data), "istio-system")
    fact = certificates.ask(scene(site))
    assert fact.cause.startswith(f"the certificate of {where} ends in 2") and "days" in fact.cause
    assert certificates.ask(scene(site, limits=Limits(certificate_days=10))).ok
    remove(site, "networking.istio.io/v1", "Gateway", "web", "other", home="todo")
    remove(site, "v1", "Secret", "site-tls", home="istio-system")


@pytest.mark.parametrize(
    ("life", "left", "soon"),
    [
        (730, 29, True),
        (730, 31, False),
        # of Knative's webhooks: 7 days, made anew in the last one, which may be up to 10 h late
        (7, 1, False),
        (7, 0.55, False),
        (7, 0.3, True),
        # of Let's Encrypt by cert-manager: 90 days, made anew with 30 left
        (90, 29, False),
        (90, 4, True),
        (10, -1, True),
    ],
)
def test_how_long_before_its_end_a_certificate_is_told(life: float, left: float, soon: bool) -> None:
    ends = NOW + left * DAY
    assert Held("x", ends - life * DAY, ends).ends_soon(NOW, 30) is soon
