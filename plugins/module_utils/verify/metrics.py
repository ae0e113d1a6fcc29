# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether metrics-server has fresh figures of every node that is to have them."""

from __future__ import annotations

import json
import time
from typing import Any

from ..kube.objects import Document
from ..site.node_kinds import passed_over, treatment
from ..site.node_metrics import METRICS_PATH, nodes_without_figures
from ..site.summary import count
from .clocks import server_ahead
from .facts import Fact, fails, holds, skipped
from .measure import time_of
from .scene import METRICS_SERVER, Scene
from .workloads import behind

NAME = "metrics"
_PATIENCE = 10.0  # seconds
_TRIES, _PAUSE = 3, 1.0  # what is between the API server and metrics-server may miss a beat
_SERVICE = ("apiregistration.k8s.io/v1", "APIService", "v1beta1.metrics.k8s.io")
_DEPLOYMENT = [("kube-system", "metrics-server")]


def ask(scene: Scene) -> Fact:
    """The figures of the metrics API, and how old they are by the API server's own clock."""
    if not scene.installed(METRICS_SERVER):
        return skipped(NAME, "metrics-server is not installed")
    if not any(treatment(node).awaited for node in scene.nodes):
        return skipped(NAME, "no node is one that figures are to be had of")
    answer = scene.read(METRICS_PATH, _PATIENCE)
    for _number in range(_TRIES - 1):
        if answer.status == 200:
            break
        time.sleep(_PAUSE)
        answer = scene.read(METRICS_PATH, _PATIENCE)
    if answer.status != 200:
        return _away(scene, f"HTTP {answer.status}")
    # The header Date of this answer is metrics-server's
    return judged(scene, json.loads(answer.body).get("items") or [], time.time() + server_ahead(scene))


def judged(scene: Scene, items: list[dict[str, Any]], now: float) -> Fact:
    """The fact about the items of a NodeMetricsList; `now` is the server's time in the epoch's seconds."""
    missing = nodes_without_figures(scene.nodes, items)
    names = {node["metadata"]["name"] for node in scene.nodes if treatment(node).awaited}
    ages = {
        item["metadata"]["name"]: now - time_of(item["timestamp"]).timestamp()
        for item in items
        if item["metadata"]["name"] in names
    }
    oldest, limit = max(ages.values(), default=0.0), scene.settings.limits.metrics_seconds
    text = f"figures of {len(names) - len(missing)} of {count(len(names), 'node')}, at most {oldest:.0f} s old"
    without = nodes_without_figures(scene.nodes, items, awaited=False)
    others = passed_over([node for node in scene.nodes if node["metadata"]["name"] in without], "awaited")
    if others:
        text += f"; passed over: {', '.join(others)}"
    figures = {"nodes": len(names), "missing": missing, "oldest_seconds": round(oldest, 1)}
    log = f"{scene.kubectl} -n kube-system logs deployment/metrics-server"
    if missing:
        cause = f"metrics-server has no figures of {', '.join(missing)}"
        remedy = f"its log says why: {log}; with 'x509' there set metrics_server_kubelet_insecure_tls: true"
        return fails(NAME, text, _joined(cause, behind(scene, _DEPLOYMENT)), remedy, **figures)
    stale = sorted(name for name, age in ages.items() if age > limit)
    if stale:
        cause = f"the figures of {', '.join(stale)} are older than {limit:.0f} s (verify_metrics_seconds)"
        return fails(
            NAME, text, _joined(cause, behind(scene, _DEPLOYMENT)), f"see metrics-server's log: {log}", **figures
        )
    return holds(NAME, text, **figures)


def _away(scene: Scene, said: str) -> Fact:
    service = scene.cluster.get(*_SERVICE, deadline=scene.seconds(_PATIENCE))
    text = f"the metrics API answers {said}"
    if service is None:
        return fails(NAME, text, f"there is no APIService {_SERVICE[2]}", "run site.yml --tags metrics_server")
    cause = _joined(f"the metrics API is away: {_available(service)}", behind(scene, _DEPLOYMENT))
    return fails(NAME, text, cause, "run site.yml --tags metrics_server")


def _available(service: Document) -> str:
    """What the APIService says of itself."""
    conditions = (service.get("status") or {}).get("conditions") or []
    entry: Document = next((item for item in conditions if item.get("type") == "Available"), {})
    return " ".join(filter(None, (entry.get("reason"), entry.get("message")))) or "its APIService says nothing"


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))
