# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From no pods at all to the first answer, again and again, beside answers of pods that are there."""

from __future__ import annotations

from .application import KNATIVE_SERVING
from .load import Plan
from .replicas import ReplicaWatch, is_ready
from .result import Check, Result
from .settings import Settings
from .shots import Shot
from .stage import Stage
from .summary import Summary, milliseconds

REVISION = "serving.knative.dev/revision"
IDLE_SECONDS = 300.0  # until the last pod must have gone
ANSWER_SECONDS = 60.0  # a cold start may take so long
PAUSE = 0.2  # seconds between two answers of warm pods
TRIES = 60  # requests until both versions of user have answered; a share of 10 % is missed once in 500 rounds
# Path of each service through web, and the field of its answer that names the revision (rule has one revision only)
PATHS = {"user": ("/api/user", "revision"), "rule": ("/api/todos?limit=1", "")}


def cold_start(stage: Stage, settings: Settings) -> Result:
    """Raises DrillError when the services keep their pods."""
    cold: dict[str, list[Shot]] = {service: [] for service in PATHS}
    warm: dict[str, list[Shot]] = {service: [] for service in PATHS}
    with stage.watch(*PATHS) as watch:
        for number in range(1, settings.cold_rounds + 1):
            stage.until(
                f"round {number} of {settings.cold_rounds}: no pods of user and rule",
                lambda: not any(watch.pods(service) for service in PATHS),
                IDLE_SECONDS,
                lambda: ", ".join(f"{service}: {watch.counts(service)}" for service in PATHS),
            )
            stage.event("no pods")
            for service in PATHS:
                _wake(stage, watch, service, cold[service], warm[service])
                warm[service] += _ask(stage, service, settings.warm_requests)
    return _result(stage, cold, warm)


def _wake(stage: Stage, watch: ReplicaWatch, service: str, cold: list[Shot], warm: list[Shot]) -> None:
    """Requests one by one until every revision that gets any has a pod; an answer is cold if its revision had none."""
    asleep = _revisions(stage) if service == "user" else {""}
    # Knative sends requests to a pod before the kubelet calls it ready: whoever has answered is awake.
    awake: set[str] = set()
    for _try in range(TRIES):
        ready = awake | {pod["metadata"]["labels"][REVISION] for pod in watch.pods(service) if is_ready(pod)}
        shot = _ask(stage, service, 1)[0]
        if shot.label in ready or (not shot.label and ready):
            warm.append(shot)
        else:
            cold.append(shot)
            stage.event(f"{_short(shot.label) or service} {milliseconds(shot.latency)}")
        awake.add(shot.label)
        asleep.discard(shot.label)
        if not asleep or not shot.ok:
            return


def _revisions(stage: Stage) -> set[str]:
    """The revisions of user that get a share of the requests."""
    service = stage.cluster.get(KNATIVE_SERVING, "Service", "user", stage.application.namespace) or {}
    traffic = (service.get("status") or {}).get("traffic") or []
    return {entry["revisionName"] for entry in traffic if entry.get("percent")}


def _short(revision: str) -> str:
    """user-v1 of user-v1-1a2b3c4d: the role ends a revision's name with what tells one content from another."""
    return revision.rpartition("-")[0]


def _ask(stage: Stage, service: str, requests: int) -> list[Shot]:
    """Requests one after the other through web."""
    path, label = PATHS[service]
    plan = Plan(path, 1, requests * ANSWER_SECONDS, requests, pause=PAUSE, label=label, timeout=ANSWER_SECONDS)
    load = stage.load(plan)
    with load:
        stage.until(f"answers of {service}", lambda: len(load.shots) >= requests, requests * ANSWER_SECONDS + 5)
    return load.shots


def _result(stage: Stage, cold: dict[str, list[Shot]], warm: dict[str, list[Shot]]) -> Result:
    every = [shot for shots in (*cold.values(), *warm.values()) for shot in shots]
    result = Result(stage.title("cold_start"), stage.timeline())
    for service in PATHS:
        for name, shots in (("cold", cold[service]), ("warm", warm[service])):
            summary = Summary.of(shots)
            result.figures[f"{service}_{name}"] = summary.as_json()
            text = f"median {milliseconds(summary.p50)}, longest {milliseconds(summary.longest)}, of {len(shots)}"
            result.lines.append((f"{service}, {name}", text))
        result.checks.append(
            Check(f"{service} was met without pods and started", any(shot.ok for shot in cold[service]))
        )
    result.requests("requests", "all requests", every)
    result.none_failed(every)
    return result
