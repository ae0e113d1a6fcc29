# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a pod, and whether waiting can still help. Pure functions over live pods."""

from __future__ import annotations

from dataclasses import dataclass

from ..objects import Document

IMAGE_REASONS = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
)
START_REASONS = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
# Controllers end and start again while webhooks and CRDs come up; a third restart is no coincidence any more.
HOPELESS_RESTARTS = 3
# Taints of a node that is just starting or away for a moment.
PASSING_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable", "node.cloudprovider.kubernetes.io")


@dataclass(frozen=True)
class Trouble:
    """One finding. `patience` is how many seconds it must last to be hopeless; None: never by itself.

    `log_of` names the container whose last log line tells more. `wants_room` is true where a pod that ends would help.
    """

    pod: str
    what: str
    advice: str
    patience: float | None
    log_of: str | None = None
    wants_room: bool = False


def troubles(pod: Document) -> list[Trouble]:
    """What keeps a pod from being ready, the most telling first; [] for a pod that is fine or going away."""
    metadata, status = pod["metadata"], pod.get("status") or {}
    if metadata.get("deletionTimestamp") or status.get("phase") == "Succeeded":
        return []
    name = f"{metadata.get('namespace', '')}/{metadata['name']}"
    found = _scheduling(name, status)
    for entry in (status.get("initContainerStatuses") or []) + (status.get("containerStatuses") or []):
        trouble = _container(name, entry)
        if trouble:
            found.append(trouble)
    return found


def _scheduling(pod: str, status: dict) -> list[Trouble]:
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "Unschedulable":
            message = condition.get("message", "")
            passing = any(taint in message for taint in PASSING_TAINTS)
            return [
                Trouble(
                    pod,
                    f"no node can take it: {message}",
                    "free or add resources, or lower its requests",
                    None if passing else 12.0,
                    wants_room=True,
                )
            ]
    return []


def _container(pod: str, entry: dict) -> Trouble | None:
    waiting = (entry.get("state") or {}).get("waiting") or {}
    reason, name = waiting.get("reason", ""), entry.get("name", "?")
    detail = f": {waiting['message']}" if waiting.get("message") else ""
    if reason in IMAGE_REASONS:
        return Trouble(
            pod,
            f"container {name} cannot have its image {entry.get('image', '')}: {reason}{detail}",
            "see whether the mirror has the image and whether the pull secret is right",
            8.0,
        )
    if reason in START_REASONS:
        advice = "create what it refers to, or correct its command"
        return Trouble(pod, f"container {name} cannot start: {reason}{detail}", advice, 12.0)
    if reason == "CrashLoopBackOff" or _ended_badly(entry):
        restarts = entry.get("restartCount", 0)
        return Trouble(
            pod,
            f"container {name} ends again and again ({restarts} restarts{_exit_of(entry)})",
            "read its log",
            0.0 if restarts >= HOPELESS_RESTARTS else None,
            log_of=name,
        )
    return None


def _ended_badly(entry: dict) -> bool:
    return bool(((entry.get("state") or {}).get("terminated") or {}).get("exitCode"))


def _exit_of(entry: dict) -> str:
    ended = (entry.get("lastState") or {}).get("terminated") or (entry.get("state") or {}).get("terminated") or {}
    if not ended:
        return ""
    reason = ended.get("reason", "")
    return f", exit code {ended.get('exitCode')}" + (f" {reason}" if reason and reason != "Error" else "")
