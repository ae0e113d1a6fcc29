# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the ingress gateway answers from where the user stands."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

from .facts import Fact, fails, holds, skipped
from .measure import milliseconds, thousandths
from .reach import Direct, Reply, ThroughApiServer, Way
from .scene import ISTIO, Scene
from .workloads import behind

NAME = "gateway"
_REQUESTS = 3
_PATIENCE, _PAUSE = 5.0, 1.0  # seconds
# Of a gateway nobody has configured for this name an answer is wanted, not a page.
_HOST = "verify.invalid"


def ask(scene: Scene) -> Fact:
    """Its address is found as the report finds it; any HTTP answer will do."""
    if not scene.installed(ISTIO):
        return skipped(NAME, "Istio is not installed")
    if not scene.runs_pods:
        return skipped(NAME, "no node of this cluster runs pods")
    if not scene.cluster.list("networking.istio.io/v1", "Gateway", deadline=scene.seconds(10)):
        return skipped(NAME, "no Gateway has it listen")
    place = scene.settings.gateway
    inside = ThroughApiServer(scene.cluster, place.namespace, place.name)
    if scene.gateway_service is None:
        return fails(
            NAME,
            "the gateway has no Service",
            f"there is no Service {place.namespace}/{place.name}",
            "run site.yml --tags istio, or name the gateway that is there by serverless_gateway",
        )
    if not scene.gateway_address:
        return _inside_alone(scene, inside)
    replies = _asked(scene)
    if not all(reply.status for reply in replies):
        time.sleep(_PAUSE)  # a listener may just be changing
        replies = _asked(scene)
    if all(reply.status for reply in replies):
        seconds = median(reply.seconds for reply in replies)
        text = f"{scene.gateway_address} answers in {milliseconds(seconds)} ({scene.exposure.rung})"
        return holds(NAME, text, milliseconds=thousandths(seconds), **_rung(scene))
    return _unreachable(scene, inside, [reply for reply in replies if not reply.status], len(replies))


def _asked(scene: Scene) -> list[Reply]:
    return [Direct(scene.gateway_address).get("/", _HOST, _PATIENCE) for _number in range(_REQUESTS)]


def way(scene: Scene, host: str = "", is_routed: bool = False) -> Way:
    """How requests for a host get to the gateway: by its address if that answers from here, else by the API server.

    `is_routed` tells of a host for which a Route was just made.
    """
    place = scene.settings.gateway
    if scene.gateway_address and (is_routed or scene.is_routed(host)):
        direct = Direct(scene.gateway_address)
        if direct.get("/", _HOST, _PATIENCE).status:
            return direct
    return ThroughApiServer(scene.cluster, place.namespace, place.name)


def deployments(scene: Scene) -> list[tuple[str, str]]:
    """The Deployment behind the gateway's Service, by the name that all charts give it."""
    return [(scene.settings.gateway.namespace, scene.settings.gateway.name)]


def _inside_alone(scene: Scene, inside: ThroughApiServer) -> Fact:
    reply = inside.get("/", _HOST, _PATIENCE)
    if _is_of_gateway(reply):
        text = f"no address outside the cluster; through the API server it answers in {milliseconds(reply.seconds)}"
        passed = "; ".join(map(str, scene.exposure.passed))
        return holds(NAME, f"{text} ({passed})", milliseconds=thousandths(reply.seconds), **_rung(scene))
    cause = f"{inside.where}: {reply.error}"
    return fails(
        NAME,
        "the gateway does not answer",
        "; ".join(filter(None, (cause, behind(scene, deployments(scene))))),
        "run site.yml --tags istio",
        **_rung(scene),
    )


def _unreachable(scene: Scene, inside: ThroughApiServer, failed: list[Reply], asked: int) -> Fact:
    address = scene.gateway_address
    text = f"{address} does not answer {len(failed)} of {asked} requests"
    why = behind(scene, deployments(scene))
    if not why and _is_of_gateway(inside.get("/", _HOST, _PATIENCE)):
        cause = f"{address}: {failed[0].error}; inside the cluster it answers, so the way from here is what is missing"
        remedy = "set serverless_gateway_address to where this machine reaches it, such as a tunnel, or open the way"
        return fails(NAME, text, cause, remedy, **_rung(scene))
    cause = "; ".join(filter(None, (f"{address}: {failed[0].error}", why)))
    return fails(NAME, text, cause, "run site.yml --tags istio", **_rung(scene))


def _rung(scene: Scene) -> dict[str, Any]:
    """The figures of every answer: the address, the rung of the ladder, and those above it that were not taken."""
    exposure = scene.exposure
    return {"address": exposure.address, "rung": str(exposure.rung), "passed_over": list(map(str, exposure.passed))}


def _is_of_gateway(reply: Reply) -> bool:
    """Whether the gateway answered, and not the API server for want of it, with its own 503."""
    return bool(reply.status) and b'"kind":"Status"' not in reply.body.replace(b" ", b"")
