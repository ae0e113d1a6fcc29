# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A version of rule that never gets ready: the readiness gate keeps it from the users, and it is rolled back."""

from __future__ import annotations

from ..kube.deadline import Deadline
from ..kube.objects import Document
from ..kube.wait.diagnosis import Diagnosis
from ..kube.wait.targets import ROLLOUT, Target
from ..kube.wait.waiting import wait_for
from .application import KNATIVE
from .load import Plan
from .replicas import ReplicaWatch, staying
from .result import Check, Result
from .settings import Settings
from .stage import Stage
from .undo import LABEL, Undo

SERVICE, PATH = "rule", "/api/todos?limit=1"
# Nothing listens there: the version starts and works, but for /readyz, which asks the database.
FAULT = {"name": "PGPORT", "value": "1"}
TIMEOUT = 10.0  # seconds a request may take
BEFORE, AFTER = 5.0, 5.0  # seconds of requests before the bad version and after the rollback
WAKE_SECONDS, REASON_SECONDS, BACK_SECONDS = 60.0, 120.0, 180.0
MOST_SECONDS = 500.0


def bad_version(stage: Stage, settings: Settings) -> Result:
    """Raises DrillError when the cluster says nothing about the bad version, KubeError when it does not come back."""
    plan = Plan.at_rate(PATH, settings.rate, MOST_SECONDS, TIMEOUT, settings.keep_alive)
    namespace = stage.application.namespace
    with stage.watch(SERVICE) as watch:
        _wake(stage)
        with Undo(stage.cluster, namespace) as undo, stage.load(plan) as load:
            stage.go_on("requests before the bad version", BEFORE)
            former = {pod["metadata"]["name"] for pod in watch.pods(SERVICE)}
            undo.change(*stage.application.workload(SERVICE), _break)
            start = stage.event("bad version")
            bad, first = _wait_for_a_reason(stage, watch, former)
            told = stage.event("cluster says why")
            stage.go_on("requests beside the bad version", settings.hold_seconds, lambda: str(watch.counts(SERVICE)))
            # what it says at first may be of the start alone
            reason = "; ".join(reason for _pod, reason in _reasons(stage, watch, former)) or first
            never_ready = bad not in watch.been_ready
            during = [shot for shot in load.shots if shot.scheduled >= start]
            undo.restore()
            back = stage.event("rolled back")
            _wait_until_back(stage, watch)
            healed = stage.event("as before")
            stage.go_on("requests after the rollback", AFTER)
    result = Result(stage.title("bad_version"), stage.timeline())
    result.lines.append(("the cluster says", reason))
    result.figures["reason"] = reason
    result.duration("seconds_to_reason", "it said so after", told - start)
    result.duration("seconds_healed", "as before, after the rollback", healed - back)
    result.requests("beside_bad_version", "requests beside the bad version", during)
    result.requests("requests", f"all requests ({settings.rate:g}/s)", load.shots, load.overdue)
    result.checks.append(Check("the bad version never got ready", never_ready))
    result.none_failed(load.shots, load.overdue)
    return result


def _wake(stage: Stage) -> None:
    """Have a pod of rule there; Knative may have none now."""
    load = stage.load(Plan(PATH, 1, WAKE_SECONDS, 1, timeout=WAKE_SECONDS))
    with load:
        stage.until("an answer of rule", lambda: any(shot.ok for shot in load.shots), WAKE_SECONDS)


def _break(workload: Document) -> None:
    """Give the container a wrong database port; mark a Knative template, so that its revision is known."""
    template = workload["spec"]["template"]
    container = template["spec"]["containers"][0]
    container["env"] = [*container.get("env", []), FAULT]
    if workload["kind"] == "Service":
        template.setdefault("metadata", {}).setdefault("labels", {})[LABEL] = "bad-version"


def _wait_for_a_reason(stage: Stage, watch: ReplicaWatch, former: set[str]) -> tuple[str, str]:
    """The bad version's pod and what is wrong with it, as soon as the cluster says anything."""
    found: list[tuple[str, str]] = []

    def look() -> bool:
        found.extend(_reasons(stage, watch, former))
        return bool(found)

    stage.until("the cluster says what is wrong", look, REASON_SECONDS, lambda: str(watch.counts(SERVICE)))
    return found[0]


def _reasons(stage: Stage, watch: ReplicaWatch, former: set[str]) -> list[tuple[str, str]]:
    """The bad version's pods, and what the cluster says is wrong with each; an earlier drill's may still be going."""
    diagnosis = Diagnosis(stage.cluster)
    names = {pod["metadata"]["name"] for pod in watch.pods(SERVICE) if _is_bad(pod)} - former
    targets = {name: Target("v1", "Pod", stage.application.namespace, name) for name in sorted(names)}
    return [(name, reason) for name, target in targets.items() for reason in diagnosis.reasons(target)]


def _is_bad(pod: Document) -> bool:
    return any(FAULT in (container.get("env") or []) for container in pod["spec"]["containers"])


def _wait_until_back(stage: Stage, watch: ReplicaWatch) -> None:
    api_version, kind, name = stage.application.workload(SERVICE)
    condition = "Ready" if stage.application.variant == KNATIVE else ROLLOUT
    target = Target(api_version, kind, stage.application.namespace, name, condition=condition)
    wait_for(stage.cluster, [target], Deadline(BACK_SECONDS), stage.tell)
    stage.until(
        "the bad version's pod goes",
        lambda: not any(map(_is_bad, staying(watch.pods(SERVICE)))),
        BACK_SECONDS,
        lambda: str(watch.counts(SERVICE)),
    )
