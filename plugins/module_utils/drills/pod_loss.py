# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pod of web is deleted under requests at a fixed rate; nobody is to notice."""

from __future__ import annotations

from ..kube.errors import ApiError
from ..kube.objects import Document
from .errors import DrillError
from .load import Plan
from .replicas import ReplicaWatch, is_ready, staying
from .result import Result
from .settings import Settings
from .stage import Stage
from .undo import Undo

TIMEOUT = 5.0  # seconds a request may take
BEFORE, AFTER = 5.0, 15.0  # seconds of requests before the deletion and after the replacement
START, REPLACED = 120.0, 120.0  # seconds until there are two pods, and until one is replaced
MOST_SECONDS = 300.0


def pod_loss(stage: Stage, settings: Settings) -> Result:
    """Raises DrillError when the pod is not replaced."""
    plan = Plan.at_rate("/", settings.rate, MOST_SECONDS, TIMEOUT, settings.keep_alive)
    with Undo(stage.cluster, stage.application.namespace) as undo, stage.watch("web") as watch:
        # Only web's, and by its autoscaler: more pods of every service may not fit a small node.
        undo.change("autoscaling/v2", "HorizontalPodAutoscaler", "web", _at_least_two)
        stage.until(
            "two pods of web ready", lambda: watch.counts("web").ready >= 2, START, lambda: str(watch.counts("web"))
        )
        with stage.load(plan) as load:
            stage.go_on("requests before the loss", BEFORE)
            former = {pod["metadata"]["name"] for pod in watch.pods("web")}
            lost = _delete_one(stage, watch)
            deleted = stage.event("pod deleted")
            replaced = stage.until(
                "the pod is replaced", lambda: _newcomer(watch, former), REPLACED, lambda: str(watch.counts("web"))
            )
            stage.event("replaced")
            stage.until("the deleted pod is gone", lambda: not _is_there(watch, lost), REPLACED)
            gone = stage.event("gone")
            stage.go_on("requests after the loss", AFTER)
    shots = load.stop()
    result = Result(stage.title("pod_loss"), stage.timeline())
    result.lines.append(("deleted pod", lost))
    result.duration("seconds_replaced", "replaced after", replaced - deleted)
    result.duration("seconds_gone", "gone after", gone - deleted)
    result.requests("requests", f"requests ({settings.rate:g}/s)", shots, load.overdue)
    result.none_failed(shots, load.overdue)
    return result


def _at_least_two(autoscaler: Document) -> None:
    autoscaler["spec"]["minReplicas"] = 2


def _delete_one(stage: Stage, watch: ReplicaWatch) -> str:
    """Delete the pod that has been there for longest; its name."""
    pods = [pod["metadata"] for pod in staying(watch.pods("web")) if is_ready(pod)]
    if not pods:
        raise DrillError("no pod of web is ready any more")
    lost = min(pods, key=lambda pod: pod["creationTimestamp"])["name"]
    try:
        stage.cluster.delete("v1", "Pod", lost, stage.application.namespace)
    except ApiError as error:
        raise DrillError(f"the pod {lost} could not be deleted: {error}") from error
    return lost


def _newcomer(watch: ReplicaWatch, former: set[str]) -> bool:
    return any(is_ready(pod) for pod in watch.pods("web") if pod["metadata"]["name"] not in former)


def _is_there(watch: ReplicaWatch, name: str) -> bool:
    return any(pod["metadata"]["name"] == name for pod in watch.pods("web"))
