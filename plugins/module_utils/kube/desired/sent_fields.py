# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a document is sent to the server: our part of the object, never what a controller must own.

Sending such a field makes two writers fight, so that a second run is never quiet. The built-in rules are data
(RULES); a release adds its own by `ignore_fields`.
"""

from __future__ import annotations

import base64
from typing import Any

from ..objects import Document, matches
from .pointers import not_owned, without

SERVER_FIELDS = [
    "/status",
    "/metadata/creationTimestamp",
    "/metadata/managedFields",
    "/metadata/resourceVersion",
    "/metadata/uid",
    "/metadata/generation",
    "/metadata/selfLink",
    "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration",
]

# Who fills the field instead is said in the comment of each rule.
RULES: list[dict[str, Any]] = [
    # istiod and Knative's webhooks write their own authority, whatever the manifest says.
    {
        "match": {"kind": "*WebhookConfiguration", "name": "istio*"},
        "pointers": ["/webhooks/*/clientConfig/caBundle"],
    },
    {
        "match": {"kind": "*WebhookConfiguration", "name": "*.knative.dev"},
        "pointers": ["/webhooks/*/clientConfig/caBundle"],
    },
    # istiod sets Fail once it can answer (istio#21245); the server's default is Fail as well.
    {
        "match": {"kind": "ValidatingWebhookConfiguration", "name": "istio*-validator*"},
        "pointers": ["/webhooks/*/failurePolicy"],
    },
    # Knative's webhooks write the rules of the kinds they know (serving#12474), and their namespace selectors.
    {
        "match": {"kind": "*WebhookConfiguration", "name": "*.knative.dev"},
        "pointers": ["/webhooks/*/rules", "/webhooks/*/namespaceSelector", "/webhooks/*/matchPolicy"],
    },
]

# Fields that the release gives a first value and a controller its later ones: they are sent until it has.
SEEDED: list[dict[str, Any]] = [
    # Eventing's controller starts the adapter with the first PingSource and fills in its settings
    # (eventing pkg/reconciler/pingsource, reconcileReceiveAdapter).
    {
        "match": {"kind": "Deployment", "name": "pingsource-mt-adapter"},
        "pointers": ["/spec/replicas", "/spec/template/spec/containers/*/env/*/value"],
    },
]

# A manifest leaves the authority empty, or a line break, where a controller or the CA injector of the cluster fills it
# in. One that it names is the only one there will be.
NO_AUTHORITY = frozenset({None, "", "Cg=="})


def sent_fields(
    document: Document, ignore_fields: list[dict[str, Any]], owned: dict[str, Any] | None = None
) -> Document:
    """The copy of `document` that is sent: server fields, built-in rules and `ignore_fields` taken out.

    `ignore_fields` is a list of {match: {kind, name, namespace, group}, pointers: [...]}. `owned` is the fieldsV1 set
    of what we own of the object, None while it is not there: of SEEDED fields the others are taken out, too.
    """
    pointers = list(SERVER_FIELDS)
    for rule in SEEDED if owned is not None else []:
        if matches(rule["match"], document):
            pointers += not_owned(document, rule["pointers"], owned or {})
    for rule in RULES + ignore_fields:
        if matches(rule.get("match") or {}, document):
            pointers += rule["pointers"]
    result = without(document, pointers)
    for holder in _authority_holders(result):
        if holder.get("caBundle") in NO_AUTHORITY:
            holder.pop("caBundle", None)
    if result.get("kind") == "Secret":
        _plain_secret_data(result)
    if result.get("kind") == "ClusterRole" and result.get("aggregationRule"):
        result.pop("rules", None)  # filled by kube-controller-manager from the roles it selects
    return result


def _authority_holders(document: Document) -> list[dict[str, Any]]:
    """Every map of a document that may name the authority of a server which the API server calls."""
    kind, spec = document.get("kind", ""), document.get("spec") or {}
    if kind == "APIService":
        return [spec]
    if kind == "CustomResourceDefinition":
        return [(((spec.get("conversion") or {}).get("webhook") or {}).get("clientConfig")) or {}]
    if kind.endswith("WebhookConfiguration"):
        return [webhook.get("clientConfig") or {} for webhook in document.get("webhooks") or []]
    return []


def _plain_secret_data(secret: Document) -> None:
    """Write stringData as data, which is what the server stores, and drop an empty data (a controller fills it)."""
    data = dict(secret.get("data") or {})
    for key, value in (secret.pop("stringData", None) or {}).items():
        data[key] = base64.b64encode(str(value).encode()).decode()
    if data:
        secret["data"] = data
    else:
        secret.pop("data", None)


def autoscaled(document: Document, targets: set[tuple[str, str, str]]) -> bool:
    """True when a HorizontalPodAutoscaler owns spec.replicas; `targets` holds (kind, namespace, name)."""
    metadata = document.get("metadata") or {}
    return (document.get("kind"), metadata.get("namespace") or "", metadata.get("name")) in targets


def autoscaler_targets(autoscalers: list[Document]) -> set[tuple[str, str, str]]:
    """(kind, namespace, name) of what the given HorizontalPodAutoscalers scale."""
    found = set()
    for autoscaler in autoscalers:
        target = (autoscaler.get("spec") or {}).get("scaleTargetRef") or {}
        namespace = (autoscaler.get("metadata") or {}).get("namespace") or ""
        found.add((target.get("kind") or "", namespace, target.get("name") or ""))
    return found
