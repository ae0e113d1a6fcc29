# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the to-do application answers as a browser would ask it."""

from __future__ import annotations

import time

from ..drills.application import KNATIVE, KUBERNETES, Application, Endpoints, Gateway, find_application
from ..kube.objects import ObjectRef
from ..todo.answer import PATHS
from . import gateway
from .facts import Fact, fails, holds, skipped
from .measure import milliseconds, thousandths
from .reach import Direct, Reply, Way
from .scene import SERVING, TODO, Scene
from .workloads import behind, troubles

NAME = "application"
COLD_SECONDS = 60.0  # services that sleep may take their time
_QUICK_SECONDS = 10.0
_TRIES, _PAUSE = 3, 1.0
SERVING_PARTS = [(SERVING, name) for name in ("activator", "autoscaler", "controller", "net-istio-controller")]


def ask_quickly(scene: Scene) -> Fact:
    """The page alone, whose pods are always there."""
    return _ask(scene, PATHS[:1], _QUICK_SECONDS)


def ask(scene: Scene) -> Fact:
    """The page, the current user, and the to-dos with the database behind them."""
    return _ask(scene, PATHS, COLD_SECONDS)


def found(scene: Scene) -> tuple[Application, Way]:
    """The application and how it is reached from here. Raises DrillError."""
    settings = scene.settings
    # Where the gateway has no address outside, requests go by the API server, and the address is never used.
    endpoints = Endpoints(
        scene.gateway_address or "127.0.0.1:80",
        settings.node_address,
        Gateway(settings.gateway.namespace, settings.gateway.name),
    )
    application = find_application(scene.cluster, settings.application, endpoints)
    if application.variant == KUBERNETES:
        return application, Direct(f"{application.address.host}:{application.address.port}")
    return application, gateway.way(scene, application.address.name)


def why_not_asked(scene: Scene) -> str:
    """Why there is no application to ask; '' where there is one."""
    if not scene.installed(TODO):
        return "the to-do application is not installed"
    return "" if scene.runs_pods else "no node of this cluster runs pods"


def parts_behind(scene: Scene, application: Application) -> list[tuple[str, str]]:
    """The Deployments that requests to it need, by namespace and name."""
    parts = gateway.deployments(scene) if application.variant != KUBERNETES else []
    if application.variant == KNATIVE:
        return parts + SERVING_PARTS
    return parts + [(application.namespace, name) for name in ("web", "rule", "user-v1", "user-v2")]


def _ask(scene: Scene, paths: tuple[str, ...], timeout: float) -> Fact:
    why_not = why_not_asked(scene)
    if why_not:
        return skipped(NAME, why_not)
    application, way = found(scene)
    host = application.address.name if application.variant != KUBERNETES else ""
    replies = {path: _answer(way, path, host, min(timeout, scene.seconds(timeout).remaining)) for path in paths}
    bad = {path: reply for path, reply in replies.items() if reply.status != 200}
    shown = f"http://{host}/ at {way.where}" if host else f"http://{way.where}/"
    told = ", ".join(f"{path} {milliseconds(reply.seconds)}" for path, reply in replies.items())
    figures = {
        "variant": application.variant,
        "host": host,
        "milliseconds": {path: thousandths(reply.seconds) for path, reply in replies.items()},
    }
    if not bad:
        return holds(NAME, f"{shown}: {told}", **figures)
    cause = "; ".join(f"{path} answers {reply.error or reply.status}" for path, reply in bad.items())
    database = troubles(scene, [ObjectRef("apps/v1", "StatefulSet", application.namespace, "database")])
    cause = "; ".join(filter(None, (cause, behind(scene, parts_behind(scene, application)), *database.values())))
    return fails(NAME, f"{shown} answers {len(replies) - len(bad)} of {len(replies)}", cause, _remedy(scene), **figures)


def _answer(way: Way, path: str, host: str, timeout: float) -> Reply:
    """The answer, or the last of a few where a route may just be changing."""
    reply = way.get(path, host, timeout)
    for _number in range(_TRIES - 1):
        if reply.status == 200:
            break
        time.sleep(_PAUSE)
        reply = way.get(path, host, timeout)
    return reply


def _remedy(scene: Scene) -> str:
    return (
        f"see its pods: {scene.kubectl} -n {scene.settings.application} get pods; site.yml --tags todo brings it back"
    )
