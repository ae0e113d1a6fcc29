# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether certificates end soon: those of the webhooks, and those that the gateway serves."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

try:
    from cryptography import x509
except ImportError:  # ansible-core brings it; only the import test of ansible-test runs without it
    x509 = None  # type: ignore[assignment]

from ..kube.objects import Document
from ..site.summary import count
from .facts import Fact, fails, holds, skipped
from .scene import EVENTING, ISTIO, SERVING, Scene

NAME = "certificates"
_CONFIGURATIONS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
# Secrets with the certificates of webhook servers (knative.dev/pkg webhook/certificates) and of Istio's authority
_OF_SERVERS = ("webhook-certs", "istio-ca-secret", "cacerts")
_PARTS_OF_SERVERS = ("server-cert.pem", "ca-cert.pem", "tls.crt")
_PARTS_OF_GATEWAY = ("tls.crt", "cert")
_BEGIN = b"-----BEGIN CERTIFICATE-----"
# Who gets a certificate for less than this renews it by a program, late in its life: Knative's webhooks have one for
# 7 days and renew it in its last (knative.dev/pkg webhook/certificates), or up to 10 h later, when they look again.
_SHORT = timedelta(days=100)
_SHARE_OF_SHORT = 20


@dataclass(frozen=True)
class Held:
    """A certificate and where it was seen."""

    where: str
    begins: datetime
    ends: datetime

    def days_left(self, now: datetime) -> float:
        """Days until it ends, negative after that."""
        return (self.ends - now) / timedelta(days=1)

    def ends_soon(self, now: datetime, days: float) -> bool:
        """Whether it ends within so many days, or for one that is renewed by a program, in the last of its time."""
        lifetime = self.ends - self.begins
        margin = lifetime / _SHARE_OF_SHORT if lifetime <= _SHORT else timedelta(days=days)
        return self.ends - now <= min(margin, timedelta(days=days))


def ask(scene: Scene) -> Fact:
    """What webhook configurations trust, what webhook servers show, and what Gateways of ours serve."""
    if x509 is None:
        return skipped(NAME, "the Python package cryptography is missing on the controller: pip install cryptography")
    parts = [part for part in (ISTIO, SERVING, EVENTING) if scene.installed(part)]
    if not parts:
        return skipped(NAME, "no webhook and no gateway of this site is installed")
    namespaces = _namespaces(scene, parts)
    problems: list[str] = []
    found = [
        *_of_configurations(scene, namespaces, problems),
        *_of_servers(scene, namespaces, problems),
        *_of_gateway(scene, problems),
    ]
    return judged(found, problems, scene.settings.limits.certificate_days, datetime.now(UTC))


def judged(found: list[Held], problems: list[str], days: float, now: datetime) -> Fact:
    """The fact about these certificates; `problems` are sentences about what is none."""
    soonest = min(found, key=lambda held: held.ends, default=None)
    text = count(len(found), "certificate")
    if soonest:
        text += f", the first ends in {soonest.days_left(now):.1f} days ({soonest.where})"
    figures = {"certificates": len(found), "soonest_days": round(soonest.days_left(now), 2) if soonest else None}
    ended = sorted({_told(held, now) for held in found if held.ends_soon(now, days)})
    if ended or problems:
        remedy = (
            "renew it where it comes from: a webhook of Istio or Knative renews its own when its pods are restarted, "
            "that of a Gateway is in the Secret named there"
        )
        return fails(NAME, text, "; ".join([*ended, *problems]), remedy, **figures)
    return holds(NAME, text, **figures)


def certificates_in(pem: bytes, where: str) -> list[Held]:
    """All certificates of a text in PEM form. Raises ValueError where one is none."""
    held = []
    for part in pem.split(_BEGIN)[1:]:
        certificate = x509.load_pem_x509_certificate(_BEGIN + part)
        held.append(Held(where, _utc(certificate, "not_valid_before"), _utc(certificate, "not_valid_after")))
    return held


def _utc(certificate: x509.Certificate, name: str) -> datetime:
    """A time of a certificate; before cryptography 42 they are told without their zone."""
    told = getattr(certificate, f"{name}_utc", None)
    return told or getattr(certificate, name).replace(tzinfo=UTC)


def _told(held: Held, now: datetime) -> str:
    left = held.days_left(now)
    if left <= 0:
        return f"the certificate of {held.where} has expired on {held.ends:%Y-%m-%d}"
    return f"the certificate of {held.where} ends in {left:.1f} days"


def _namespaces(scene: Scene, parts: Iterable[str]) -> set[str]:
    names = {ISTIO: {"istio-system", scene.settings.gateway.namespace}, SERVING: {SERVING}, EVENTING: {EVENTING}}
    return set().union(*(names[part] for part in parts))


def _of_configurations(scene: Scene, namespaces: set[str], problems: list[str]) -> list[Held]:
    """What the API server trusts for webhooks whose servers are in these namespaces."""
    found = []
    for kind in _CONFIGURATIONS:
        for item in scene.cluster.list("admissionregistration.k8s.io/v1", kind, deadline=scene.seconds(10)):
            for webhook in item.get("webhooks") or []:
                config = webhook.get("clientConfig") or {}
                if (config.get("service") or {}).get("namespace") in namespaces and config.get("caBundle"):
                    where = _webhook(str(webhook.get("name")), f"{kind} {item['metadata']['name']}")
                    found += _decoded(config["caBundle"], where, problems)
    return list(dict.fromkeys(found))


def _webhook(name: str, configuration: str) -> str:
    """A webhook and where it stands; Knative's have the name of their configuration, which is said once."""
    return configuration if configuration.endswith(f" {name}") else f"webhook {name} ({configuration})"


def _of_servers(scene: Scene, namespaces: set[str], problems: list[str]) -> list[Held]:
    found = []
    for namespace in sorted(namespaces):
        listed = scene.cluster.list("v1", "Secret", namespace, deadline=scene.seconds(10), metadata_only=True)
        for name in sorted(item["metadata"]["name"] for item in listed):
            if name.endswith(_OF_SERVERS):
                secret = scene.cluster.get("v1", "Secret", name, namespace, scene.seconds(10)) or {}
                found += _of_secret(secret, _PARTS_OF_SERVERS, f"Secret {namespace}/{name}", problems)
    return found


def _of_gateway(scene: Scene, problems: list[str]) -> list[Held]:
    """What the servers of Gateways for our gateway's pods name; such a Secret is in the namespace of these pods."""
    place = scene.settings.gateway
    wanted: dict[str, str] = {}
    for item in scene.cluster.list("networking.istio.io/v1", "Gateway", deadline=scene.seconds(10)):
        spec = item.get("spec") or {}
        if (spec.get("selector") or {}).items() <= dict(place.selector).items():
            for server in spec.get("servers") or []:
                name = (server.get("tls") or {}).get("credentialName") or ""
                if name and "://" not in name:
                    wanted.setdefault(name, f"{item['metadata']['namespace']}/{item['metadata']['name']}")
    found = []
    for name, gateway in sorted(wanted.items()):
        secret = scene.cluster.get("v1", "Secret", name, place.namespace, scene.seconds(10))
        where = f"Gateway {gateway} (Secret {place.namespace}/{name})"
        if secret is None:
            problems.append(f"{where} has no certificate: there is no such Secret")
        found += _of_secret(secret or {}, _PARTS_OF_GATEWAY, where, problems)
    return found


def _of_secret(secret: Document, parts: Iterable[str], where: str, problems: list[str]) -> list[Held]:
    data: Mapping[str, str] = secret.get("data") or {}
    return [held for part in parts if data.get(part) for held in _decoded(data[part], where, problems)]


def _decoded(text: str, where: str, problems: list[str]) -> list[Held]:
    try:
        return certificates_in(base64.b64decode(text, validate=True), where)
    except (ValueError, binascii.Error):
        problems.append(f"what {where} has for a certificate cannot be read")
        return []
