# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods that the API server refuses, as controllers tell it: ReplicaFailure, FailedCreate. Pure functions over texts."""

from __future__ import annotations

import re

from ..objects import Document
from .causes import Finding
from .events import Event, newest

# The API server's words -> cause. The first match counts.
WORDS = (
    (r"because it is being terminated|NamespaceTerminating", "namespace-terminating"),
    (r"failed calling webhook|failed to call webhook|Timeout: request did not complete", "webhook-away"),
    (r"violates PodSecurity", "pod-security"),
    (r"exceeded quota|status unknown for quota", "over-quota"),
    (r"failed quota: .*must specify", "quota-needs-requests"),
    (r"admission webhook .* denied|denied the request|ValidatingAdmissionPolicy", "webhook-denied"),
    (r"(maximum|minimum) \S+ usage per|limit to request ratio|(maximum|minimum) \S+ (limit|request)", "limit-range"),
    (r"serviceaccounts? \S+ not found|looking up service account", "service-account-missing"),
    (r"no PriorityClass|is invalid|Invalid value|Unsupported value|Required value|unable to validate", "pod-invalid"),
    (
        r"connection refused|timed out|timeout|etcdserver|Internal error|try again|object has been modified",
        "webhook-away",
    ),
)


def cause_of(message: str) -> str:
    """The cause of a refused pod, a key of CAUSES."""
    return next((cause for words, cause in WORDS if re.search(words, message, re.IGNORECASE)), "pods-refused")


def refused(owner: Document, owned: list[Document], events: list[Event]) -> Finding | None:
    """Why a controller cannot create pods: its condition ReplicaFailure, else its newest event FailedCreate.

    `owned` are the pods that it has: an event from before the newest of them is out of date.
    """
    kind, metadata = owner.get("kind", ""), owner["metadata"]
    subject = f"{kind} {metadata.get('namespace', '')}/{metadata['name']}"
    for condition in (owner.get("status") or {}).get("conditions") or []:
        if condition.get("type") == "ReplicaFailure" and condition.get("status") == "True":
            message = condition.get("message") or condition.get("reason") or ""
            return Finding(cause_of(message), subject, f"its pods cannot be created: {message}")
    event = newest(events, "FailedCreate")
    youngest = max((pod["metadata"].get("creationTimestamp") or "" for pod in owned), default="")[:19]
    if event is None or youngest > event.last or not _lacks_pods(owner):
        return None
    return Finding(cause_of(event.message), subject, f"its pods cannot be created: {event.message}")


def _lacks_pods(owner: Document) -> bool:
    spec, status = owner.get("spec") or {}, owner.get("status") or {}
    kind = owner.get("kind")
    if kind == "DaemonSet":
        return status.get("currentNumberScheduled", 0) < status.get("desiredNumberScheduled", 0)
    if kind == "Job":
        return not (status.get("active") or status.get("succeeded"))
    if kind in ("StatefulSet", "ReplicaSet"):
        return status.get("replicas", 0) < spec.get("replicas", 1)
    return kind != "Deployment"  # a Deployment tells by its condition
