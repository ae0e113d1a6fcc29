# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be waited for, and whether an object fulfils it. Pure functions over live objects.

The rules on generations and conditions are those of kstatus (sigs.k8s.io/cli-utils/pkg/kstatus).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

try:
    import jmespath
except ImportError:  # told when an expression is used
    jmespath = None  # type: ignore[assignment]

from ..errors import WaitError
from ..objects import Document

ROLLOUT, ENDPOINTS, ABSENT = "rollout", "endpoints", "absent"


@dataclass(frozen=True)
class Target:
    """One thing to wait for: an object by `name`, or all objects of a `label_selector`.

    `condition` is rollout, endpoints, absent, or the type of a status condition that must be True; alternatively
    `expression` is JMESPath that must be truthy on the object; where it is not, `reason`, JMESPath too, finds the
    words that say why. With neither, the object only has to exist.
    """

    api_version: str
    kind: str
    namespace: str | None
    name: str | None = None
    label_selector: str | None = None
    condition: str | None = None
    expression: str | None = None
    reason: str | None = None

    @classmethod
    def from_item(cls, item: dict[str, Any]) -> Target:
        """From one item of the wait module's `for`. Raises WaitError for a contradiction."""
        target = cls(
            item["api_version"],
            item["kind"],
            item.get("namespace") or None,
            item.get("name") or None,
            item.get("label_selector") or None,
            item.get("condition") or None,
            item.get("expression") or None,
            item.get("reason") or None,
        )
        if bool(target.name) == bool(target.label_selector):
            raise WaitError(f"{target}: give either name or label_selector")
        if target.condition and target.expression:
            raise WaitError(f"{target}: give either condition or expression")
        for text in filter(None, (target.expression, target.reason)):
            target.check_expression(text)
        return target

    def check_expression(self, text: str) -> None:
        """Raises WaitError when an expression cannot be compiled."""
        if jmespath is None:
            raise WaitError(
                "the Python package 'jmespath' is missing on the controller; pip install -r requirements.txt"
            )
        try:
            jmespath.compile(text)
        except jmespath.exceptions.JMESPathError as error:
            raise WaitError(f"{self}: '{text}' is no valid JMESPath: {error}") from error

    @property
    def wanted(self) -> str:
        return self.condition or self.expression or "exists"

    def __str__(self) -> str:
        subject = self.name or f"with {self.label_selector}"
        place = f"{self.namespace}/{subject}" if self.namespace else subject
        return f"{self.kind} {place}: {self.wanted}"


@dataclass(frozen=True)
class Verdict:
    """`fulfilled`, else `why` not yet; `hopeless` when waiting cannot help any more."""

    fulfilled: bool
    why: str = ""
    hopeless: bool = False


def judge(target: Target, live: Document) -> Verdict:
    """Whether one existing object fulfils `target` (conditions absent and endpoints are judged elsewhere)."""
    if target.expression:
        found = jmespath.search(target.expression, live)
        told = jmespath.search(target.reason, live) if target.reason and not found else None
        return Verdict(bool(found), str(told) if told else f"{target.expression} is {found!r}")
    if target.condition == ROLLOUT:
        return _rollout(live)
    if target.condition:
        return _condition(live, target.condition)
    return Verdict(True)


def _observed(live: Document) -> bool:
    """False while the controller has not seen the newest generation."""
    observed = (live.get("status") or {}).get("observedGeneration")
    generation = live["metadata"].get("generation")
    return observed is None or generation is None or observed >= generation


def _condition(live: Document, kind: str) -> Verdict:
    conditions = {entry.get("type"): entry for entry in (live.get("status") or {}).get("conditions") or []}
    if live["kind"] == "Job" and kind != "Failed" and (conditions.get("Failed") or {}).get("status") == "True":
        failed = conditions["Failed"]
        return Verdict(False, f"the job failed: {failed.get('reason', '')} {failed.get('message', '')}".strip(), True)
    phase = (live.get("status") or {}).get("phase")
    if live["kind"] == "Pod" and kind == "Ready" and phase == "Failed":
        words = (live["status"].get(part) for part in ("reason", "message"))
        return Verdict(False, " ".join(["the pod has failed", *filter(None, words)]), True)
    entry = conditions.get(kind)
    if not _observed(live):
        return Verdict(False, "its controller has not seen the newest change yet")
    if entry is None:
        return Verdict(False, f"it has no condition {kind} yet")
    if entry.get("status") == "True":
        return Verdict(True)
    detail = " ".join(part for part in (entry.get("reason"), entry.get("message")) if part)
    return Verdict(False, f"{kind} is {entry.get('status')}" + (f": {detail}" if detail else ""))


def _rollout(live: Document) -> Verdict:
    status = live.get("status") or {}
    spec = live.get("spec") or {}
    if not _observed(live) or "observedGeneration" not in status:
        return Verdict(False, "its controller has not seen the newest change yet")
    if live["kind"] == "DaemonSet":
        wanted = status.get("desiredNumberScheduled", 0)
        updated, ready = status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0)
        return Verdict(updated >= wanted and ready >= wanted, f"{ready} of {wanted} pods available, {updated} updated")
    wanted = spec.get("replicas", 1)
    updated, total = status.get("updatedReplicas", 0), status.get("replicas", 0)
    ready = status.get("availableReplicas", 0)
    done = updated >= wanted and total <= updated and ready >= wanted
    if live["kind"] == "StatefulSet" and (spec.get("updateStrategy") or {}).get("type") != "OnDelete":
        done = done and status.get("currentRevision") == status.get("updateRevision")
    why = f"{ready} of {wanted} pods available, {updated} updated, {max(0, total - updated)} old"
    for entry in status.get("conditions") or []:
        if entry.get("type") == "ReplicaFailure" and entry.get("status") == "True":
            why += f"; pods cannot be created: {entry.get('message', entry.get('reason', ''))}"
        elif entry.get("reason") == "ProgressDeadlineExceeded":
            why += "; no progress within its progressDeadlineSeconds"
    return Verdict(done, why)
