# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a container of a pod does not run or is not ready. Pure functions over an entry of containerStatuses."""

from __future__ import annotations

import re
from typing import Any

from . import image_pulls
from .causes import Finding
from .events import Event, newest

START_REASONS = frozenset(
    {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError",
     "PreStartHookError", "PostStartHookError", "StartError", "ContainerCannotRun"}
)  # fmt: skip
# A third restart is no coincidence any more.
HOPELESS_RESTARTS = 3

# What the kubelet or the runtime says when it cannot start a container. The first match counts.
START_WORDS = (
    (r"failed to sync (secret|configmap) cache|not registered|services have not yet been read", "object-not-synced"),
    (r"(secret|configmap)s? \S+ not found|couldn't find key|non-existent (secret|config) key", "object-missing"),
    (r"runAsNonRoot|non-numeric user|cannot verify user is non-root", "cannot-start"),
    (r"is reserved|context deadline exceeded|DeadlineExceeded|Unavailable|connection refused", "runtime-busy"),
    (r"executable file not found|no such file or directory|permission denied|exec format|not a directory"
     r"|is a directory|no command specified|OCI runtime|runc create failed|invalid", "cannot-start"),
)  # fmt: skip


def finding(namespace: str, pod: str, entry: dict[str, Any], events: list[Event], pull_words: str) -> Finding | None:
    """What is wrong with one container, or None. `events` are the pod's; `pull_words` its last failed pull's."""
    name = entry.get("name", "?")
    subject = f"pod {namespace}/{pod}"
    state = entry.get("state") or {}
    if "running" in state:
        return None if entry.get("ready") else _probe(subject, name, events)
    waiting = state.get("waiting") or {}
    reason, message = waiting.get("reason") or "", waiting.get("message") or ""
    if reason in image_pulls.REASONS:
        return _pull(subject, name, entry, reason, message, pull_words)
    ended = _ended(entry)
    if ended.get("reason") in START_REASONS:  # a back-off hides it from the state
        return _start(subject, name, ended["reason"], ended.get("message") or message)
    if reason in START_REASONS:
        return _start(subject, name, reason, message)
    if reason == "CrashLoopBackOff" or (state.get("terminated") or {}).get("exitCode"):
        return _crash(subject, (namespace, pod, name), entry, ended)
    return None


def pull_message(entry: dict[str, Any], events: list[Event]) -> str:
    """The newest words of the kubelet that say why a container has not got its image; "" when there are none."""
    waiting = (entry.get("state") or {}).get("waiting") or {}
    message = waiting.get("message") or ""
    if waiting.get("reason") in image_pulls.REASONS and image_pulls.has_cause(message):
        return message
    for event in events:
        if event.reason == "Failed" and event.container == entry.get("name") and "pull" in event.message:
            return event.message
    return ""


def start_cause(message: str) -> str:
    return next((cause for words, cause in START_WORDS if re.search(words, message, re.IGNORECASE)), "runtime-busy")


def _pull(subject: str, name: str, entry: dict[str, Any], reason: str, message: str, words: str) -> Finding:
    said = message if image_pulls.has_cause(message) else words
    cause = image_pulls.cause_of(reason, said)
    detail = f": {said}" if said else ""
    return Finding(cause, subject, f"container {name} cannot have its image {entry.get('image', '')}: {reason}{detail}")


def _start(subject: str, name: str, reason: str, message: str) -> Finding:
    detail = f": {message}" if message else ""
    return Finding(start_cause(message), subject, f"container {name} cannot start: {reason}{detail}")


def _crash(subject: str, log_of: tuple[str, str, str], entry: dict[str, Any], ended: dict[str, Any]) -> Finding:
    restarts = entry.get("restartCount") or 0
    word = ended.get("reason") or ""
    exit_code = f"exit code {ended.get('exitCode')}" + (f" {word}" if word and word != "Error" else "") if ended else ""
    name = log_of[2]
    if not restarts:
        return Finding("ends-badly", subject, f"container {name} has ended" + (f", {exit_code}" * bool(ended)), log_of)
    what = f"container {name} ends again and again ({restarts} restarts" + (f", {exit_code})" if ended else ")")
    return Finding("crash-loop" if restarts >= HOPELESS_RESTARTS else "ends-badly", subject, what, log_of)


def _probe(subject: str, name: str, events: list[Event]) -> Finding | None:
    of_container = [event for event in events if event.container == name]
    unhealthy = newest(of_container, "Unhealthy", "ProbeError", "ProbeWarning")
    return Finding("not-answering", subject, f"container {name} runs: {unhealthy.message}") if unhealthy else None


def _ended(entry: dict[str, Any]) -> dict[str, Any]:
    return (entry.get("lastState") or {}).get("terminated") or (entry.get("state") or {}).get("terminated") or {}
