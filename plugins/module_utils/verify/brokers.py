# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the Brokers and Triggers of the cluster are Ready, whoever has made them."""

from __future__ import annotations

from ..kube.objects import Document
from ..kube.wait.targets import Target, judge
from .facts import Fact, fails, holds, skipped
from .measure import age_of
from .scene import EVENTING, Scene
from .workloads import behind

NAME = "brokers"
API_VERSION = "eventing.knative.dev/v1"
CONTROLLERS = [
    (EVENTING, name)
    for name in ("eventing-controller", "mt-broker-controller", "mt-broker-filter", "mt-broker-ingress")
]
CHANNELS = [(EVENTING, "imc-controller"), (EVENTING, "imc-dispatcher")]
_YOUNG = 120.0  # seconds in which one may still be getting ready
_MOST_TOLD = 3


def ask(scene: Scene) -> Fact:
    """Their condition Ready; one that was made just now is counted as coming."""
    if not scene.installed(EVENTING):
        return skipped(NAME, "Knative Eventing is not installed")
    live = [(kind, item) for kind in ("Broker", "Trigger") for item in _listed(scene, kind)]
    bad: list[tuple[str, str]] = []
    ready = coming = 0
    for kind, item in live:
        verdict = judge(Target(API_VERSION, kind, None, "any", condition="Ready"), {"kind": kind, **item})
        if verdict.fulfilled:
            ready += 1
        elif age_of(item["metadata"].get("creationTimestamp", "")) < _YOUNG:
            coming += 1
        else:
            metadata = item["metadata"]
            command = f"-n {metadata['namespace']} describe {kind.lower()} {metadata['name']}"
            bad.append((f"{kind} {metadata['namespace']}/{metadata['name']}: {verdict.why}", command))
    text = f"{ready} of {len(live)} Brokers and Triggers Ready"
    text += f", {coming} on the way" if coming else ""
    figures = {"ready": ready, "coming": coming, "all": len(live)}
    if bad:
        told = [sentence for sentence, _command in bad[:_MOST_TOLD]]
        told += [f"and {len(bad) - _MOST_TOLD} more"] if len(bad) > _MOST_TOLD else []
        cause = "; ".join(filter(None, [*told, behind(scene, CONTROLLERS + CHANNELS)]))
        remedy = f"correct its spec or what it refers to, see {scene.kubectl} {bad[0][1]}"
        return fails(NAME, text, cause, remedy, **figures)
    return holds(NAME, text, **figures)


def _listed(scene: Scene, kind: str) -> list[Document]:
    return scene.cluster.list(API_VERSION, kind, deadline=scene.seconds(10))
