# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a new Knative service gets ready, goes to zero pods, and answers from there; and how fast it is when warm."""

from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

from ..drills.summary import percentile
from ..kube.deadline import Deadline
from ..kube.errors import WaitError
from ..kube.wait.targets import Target
from . import gateway, probe
from .application import COLD_SECONDS, SERVING_PARTS
from .facts import Fact, fails, holds, skipped
from .measure import milliseconds, thousandths
from .reach import Reply, Way
from .scene import SERVING, Scene
from .workloads import behind
from .workspace import Workspace

NAME = "serving"
# What a service needs, from its creation to its first request
PARTS = [*SERVING_PARTS, (SERVING, "webhook"), (SERVING, "net-istio-webhook")]
_READY_SECONDS = 120.0
_FIRST_SECONDS = 20.0  # until the gateway has heard of a service that says that it is Ready
_ASLEEP_SECONDS = 150.0
_PAUSE = 0.5
_ENOUGH = 3  # failures of warm requests, each of which may take a minute


def ask(scene: Scene, workspace: Workspace) -> Fact:
    """The first answer from zero pods, and then warm ones, each on a connection of its own."""
    if not scene.installed(SERVING):
        return skipped(NAME, "Knative Serving is not installed")
    trouble = workspace.why_not(SERVING)
    if trouble:
        return _fails(scene, "a Knative service cannot be made", trouble)
    target = Target(probe.SERVING_VERSION, "Service", workspace.home, workspace.hello, condition="Ready")
    try:
        workspace.await_ready(target, seconds=_READY_SECONDS)
    except WaitError as error:
        return _fails(scene, "a new Knative service does not get Ready", str(error))
    host = _host(scene, workspace)
    way = gateway.way(scene, host, workspace.route(host))
    first = _first(way, host, scene.seconds(_FIRST_SECONDS))
    if first.error:
        return _fails(scene, f"http://{host}/ is not answered", f"{way.where}: {first.error}")
    if not _until(lambda: _is_asleep(scene, workspace), scene.seconds(_ASLEEP_SECONDS)):
        return _fails(scene, "a service without requests keeps its pods", f"it has pods after {_ASLEEP_SECONDS:.0f} s")
    cold = way.get("/", host, COLD_SECONDS)
    figures: dict[str, float | int | str | None] = {"cold_seconds": round(cold.seconds, 3), "where": way.where}
    if cold.error:
        return _fails(
            scene, "no answer from zero pods", f"{way.where}: {cold.error} after {cold.seconds:.1f} s", figures
        )
    warm: list[Reply] = []
    while len(warm) < scene.settings.warm_requests and sum(bool(reply.error) for reply in warm) < _ENOUGH:
        warm.append(way.get("/", host, COLD_SECONDS))
    return _judged(scene, cold, warm, figures)


def _judged(scene: Scene, cold: Reply, warm: list[Reply], figures: dict[str, float | int | str | None]) -> Fact:
    good = [reply.seconds for reply in warm if not reply.error]
    figures |= {"warm_requests": len(warm), "warm_failed": len(warm) - len(good)}
    text = f"from zero pods in {cold.seconds:.2f} s"
    if good:
        median, most = percentile(good, 50), percentile(good, 99)
        figures |= {"warm_p50_milliseconds": thousandths(median), "warm_p99_milliseconds": thousandths(most)}
        text += f", warm p50 {milliseconds(median)}, p99 {milliseconds(most)} of {len(warm)}"
    if len(good) < len(warm):
        errors = sorted({reply.error for reply in warm if reply.error})
        return _fails(
            scene, text, f"{len(warm) - len(good)} of {len(warm)} warm requests failed: {', '.join(errors)}", figures
        )
    return holds(NAME, f"{text} ({figures['where']})", **figures)


def _host(scene: Scene, workspace: Workspace) -> str:
    live = scene.cluster.get(probe.SERVING_VERSION, "Service", workspace.hello, workspace.home, scene.seconds(10)) or {}
    return urlsplit((live.get("status") or {}).get("url") or "").netloc


def _first(way: Way, host: str, limit: Deadline) -> Reply:
    """The first good answer, or in the end the last bad one."""
    while True:
        reply = way.get("/", host, COLD_SECONDS)
        if not reply.error or limit.passed:
            return reply
        time.sleep(_PAUSE)


def _is_asleep(scene: Scene, workspace: Workspace) -> bool:
    """Whether no pod of it is there any more but such as are going."""
    selector = f"serving.knative.dev/service={workspace.hello}"
    pods = scene.cluster.list("v1", "Pod", workspace.home, selector, scene.seconds(10))
    made = scene.cluster.list("apps/v1", "Deployment", workspace.home, selector, scene.seconds(10))
    staying = [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]
    return not staying and all((item.get("spec") or {}).get("replicas") == 0 for item in made)


def _until(condition: Callable[[], bool], limit: Deadline) -> bool:
    while not condition():
        if limit.passed:
            return False
        time.sleep(_PAUSE)
    return True


def _fails(scene: Scene, text: str, cause: str, figures: dict[str, float | int | str | None] | None = None) -> Fact:
    whole = "; ".join(filter(None, (cause, behind(scene, [*PARTS, *gateway.deployments(scene)]))))
    return fails(
        NAME, text, whole, "run site.yml --tags istio,knative, which brings these parts back", **(figures or {})
    )
