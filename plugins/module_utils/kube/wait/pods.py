# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a pod from being ready: scheduling, claims, volumes, containers. Pure functions over live pods."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ..objects import Document
from . import containers
from .causes import Finding
from .events import Event, newest
from .scheduling import unschedulable

ABOUT_CLAIMS = re.compile(r"persistentvolumeclaim|persistent volumes|unbound|free storage", re.IGNORECASE)
VOLUME_EVENTS = ("FailedMount", "FailedAttachVolume", "FailedMapVolume")
SAYS_NOTHING = re.compile(r"Unable to attach or mount volumes|timed out waiting for the condition$")


@dataclass(frozen=True)
class Surroundings:
    """What is known beside the pod: its events, the newest first; the nodes, None where they may not be read; what is
    wrong with its claims; whether pods beside it are on their way out; by container, the words of its last failed pull.
    """

    events: list[Event] = field(default_factory=list)
    nodes: list[Document] | None = None
    claims: list[Finding] = field(default_factory=list)
    leaving: bool = False
    pull_words: dict[str, str] = field(default_factory=dict)


def findings(pod: Document, around: Surroundings) -> list[Finding]:
    """What keeps a pod from being ready, the most telling first; [] for a pod that is fine or going away."""
    metadata, status = pod["metadata"], pod.get("status") or {}
    if metadata.get("deletionTimestamp") or status.get("phase") == "Succeeded":
        return []
    namespace, name = metadata.get("namespace", ""), metadata["name"]
    if has_no_node(pod) and (found := _placement(pod, f"pod {namespace}/{name}", around)):
        return found
    volumes = [] if _has_begun(status) else _volumes(f"pod {namespace}/{name}", around.events)
    told = (
        containers.finding(namespace, name, entry, around.events, around.pull_words.get(entry.get("name", ""), ""))
        for entry in container_entries(pod)
    )
    return [*volumes, *(finding for finding in told if finding)]


def still_pulling(pod: Document, events: list[Event]) -> list[Finding]:
    """What is told about a pod without any trouble: that the last thing its kubelet did was to begin a pull."""
    last = newest(events, "Pulling", "Pulled", "Created", "Started", "Failed")
    if last is None or last.reason != "Pulling":
        return []
    metadata = pod["metadata"]
    return [Finding("image-on-its-way", f"pod {metadata.get('namespace', '')}/{metadata['name']}", last.message)]


def container_entries(pod: Document) -> list[dict[str, Any]]:
    """The status of every container, init containers first."""
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]


def has_no_node(pod: Document) -> bool:
    return not (pod.get("spec") or {}).get("nodeName")


def is_unschedulable(pod: Document) -> bool:
    return (_scheduled(pod) or {}).get("reason") == "Unschedulable"


def _scheduled(pod: Document) -> dict[str, Any] | None:
    """The condition that tells why the pod has no node; None while it has none or is fine."""
    for condition in (pod.get("status") or {}).get("conditions") or []:
        if condition.get("type") == "PodScheduled":
            return condition if condition.get("status") != "True" else None
    return None


def _placement(pod: Document, subject: str, around: Surroundings) -> list[Finding]:
    condition = _scheduled(pod)
    if condition is None:
        return list(around.claims) or _unseen(pod, subject)
    reason, message = condition.get("reason") or "", condition.get("message") or ""
    if reason == "SchedulingGated":
        return [Finding("gated", subject, f"it is held back by a scheduling gate: {message}")]
    # Without its claims a pod has no place; what is wrong with them is the cause, and decides about the patience.
    if around.claims and ABOUT_CLAIMS.search(message):
        return [Finding(claim.cause, subject, f"{claim.subject}: {claim.what}") for claim in around.claims]
    return [unschedulable(pod, subject, message, around.nodes, around.events, around.leaving)]


def _unseen(pod: Document, subject: str) -> list[Finding]:
    if container_entries(pod) or (pod.get("status") or {}).get("conditions"):
        return []
    scheduler = (pod.get("spec") or {}).get("schedulerName", "default-scheduler")
    return [Finding("not-scheduled", subject, f"the scheduler {scheduler} has not looked at it yet")]


def _has_begun(status: dict[str, Any]) -> bool:
    """Whether volumes and network are there: the sandbox is up, or a container has been started."""
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodReadyToStartContainers" and condition.get("status") == "True":
            return True
    entries = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    return any({"running", "terminated"} & set(entry.get("state") or {}) for entry in entries)


def _volumes(subject: str, events: list[Event]) -> list[Finding]:
    of_volumes = [event for event in events if event.reason in VOLUME_EVENTS]
    telling = next((event for event in of_volumes if not SAYS_NOTHING.search(event.message)), None)
    event = telling or next(iter(of_volumes), None)
    if event:
        cause = containers.start_cause(event.message)
        if cause not in ("object-missing", "object-not-synced"):
            cause = "mount-failed"
        return [Finding(cause, subject, f"{event.reason}: {event.message}")]
    sandbox = newest(events, "FailedCreatePodSandBox")
    return [Finding("sandbox-failed", subject, sandbox.message)] if sandbox else []
