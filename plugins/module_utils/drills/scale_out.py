# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load on web until its autoscaler has brought it from one pod to three, and back."""

from __future__ import annotations

from .load import Load, Plan
from .preconditions import MOST_PODS
from .replicas import ReplicaWatch
from .result import Result
from .settings import BACK_SECONDS, OUT_SECONDS, Settings
from .stage import Stage

PATH = "/api/user"
VISITS = 2.0  # requests a second of the one visitor who is there all along
PAUSE = 0.02  # seconds that each caller of the load takes between answer and next request
CALM, FULL, END = 5.0, 10.0, 5.0  # seconds before the load, with all pods, and at the end
TIMEOUT = 10.0  # seconds a request of the visitor may take
MOST_REQUESTS = 100_000


def scale_out(stage: Stage, settings: Settings) -> Result:
    """Raises DrillError when web does not go out, or not back, within the limits."""
    keep = settings.keep_alive
    visitor = Plan.at_rate("/", VISITS, stage.deadline.seconds, TIMEOUT, keep)
    crowd = Plan(PATH, settings.load_workers, OUT_SECONDS + 60, MOST_REQUESTS, pause=PAUSE, keep_alive=keep)
    with stage.watch("web") as watch:
        _wait_for_one(stage, watch, BACK_SECONDS)
        with stage.load(visitor) as calm:
            stage.go_on("looking at web before the load", CALM)
            start, times, loud = _out(stage, watch, crowd)
            stop = stage.event("load stops")
            back = _wait_for_one(stage, watch, BACK_SECONDS + 30)
            stage.event("back at 1 pod")
            stage.go_on("looking at web after the load", END)
        visits = calm.stop()
    result = Result(stage.title("scale_out"), stage.timeline())
    for pods, seconds in times.items():
        limit = OUT_SECONDS if pods == MOST_PODS else None
        result.duration(f"seconds_to_{pods}", f"{pods} pods ready after", seconds - start, limit)
    result.duration("seconds_back", "back at 1 pod after", back - stop, BACK_SECONDS)
    result.requests("load", "requests of the load", loud.shots)
    result.requests("visitor", f"requests of a visitor ({VISITS:g}/s)", visits, calm.overdue)
    result.none_failed([*loud.shots, *visits], calm.overdue)
    return result


def _wait_for_one(stage: Stage, watch: ReplicaWatch, seconds: float) -> float:
    return stage.until("web at 1 pod", lambda: _is_one(watch), seconds, lambda: str(watch.counts("web")))


def _is_one(watch: ReplicaWatch) -> bool:
    counts = watch.counts("web")
    return counts.present == counts.ready == 1


def _out(stage: Stage, watch: ReplicaWatch, crowd: Plan) -> tuple[float, dict[int, float], Load]:
    """When the load started, when each number of pods was ready, and the load, which has ended."""
    start = stage.event("load starts")
    times = {}
    with stage.load(crowd) as loud:
        for pods in range(2, MOST_PODS + 1):
            stage.until(
                f"{pods} pods of web ready",
                lambda pods=pods: watch.counts("web").ready >= pods,  # type: ignore[misc]
                start + OUT_SECONDS + 30 - stage.now(),
                lambda: str(watch.counts("web")),
            )
            times[pods] = stage.event(f"{pods} pods ready")
        stage.go_on("load on all pods", FULL)
    return start, times, loud
