# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of a known number of requests, as Kiali draws it and Knative counts it.

How rates become numbers: Prometheus' rate() divides what a counter grew by within a window by the time between the
first and the last look in it, extended to the window's ends (promql/functions.go, extrapolatedRate). With looks every
s seconds, a window of k * s has k of them; so what grew is the rate times (k - 1) * s. Counters that begin in the
window, or are near zero there, would spoil that: half as many requests are sent before it begins.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from .application import KNATIVE
from .errors import DrillError
from .graph import TCP, Edge, Graph, Node, graph_of
from .load import Load, Plan
from .mesh_figures import NAMESPACE, Figures
from .plot.topology import topology
from .result import Check, Result
from .settings import Settings
from .shots import Shot
from .stage import Stage

USER, TODOS = "/api/user", "/api/todos"
WORKERS, SECONDS, TIMEOUT = 4, 180.0, 60.0
LOOKS_BEFORE, LOOKS_AFTER = 2.0, 3.0  # looks of Prometheus that are waited for before and after the requests
TOLERANCE = 0.02
VERSIONS = ("v1", "v2")
SERVING = "knative-serving"
QUEUE_COUNT = (
    'sum by (serving_knative_dev_service, version) (kn_serving_invocation_duration_seconds_count{{namespace="{0}"}})'
)
_Key = TypeVar("_Key")
ACTIVATOR_COUNT = (
    "sum by (kn_service_name, kn_revision_name) "
    '(http_server_request_duration_seconds_count{{k8s_namespace_name="{0}"}})'
)
# The role's name of a revision with a version: user-v1-1a2b3c4d
VERSIONED = re.compile(r".+-(v\d+)-[0-9a-f]{8}")


@dataclass(frozen=True)
class Window:
    """`seconds` that end at `end` (of Prometheus' clock), of which the looks in it cover `covered`."""

    end: int
    seconds: int
    covered: float


def window(begin: float, end: float, interval: float) -> Window:
    """The smallest whole number of intervals before `end` whose first look is before `begin`. All in seconds."""
    looks = max(2, math.ceil((end - begin) / interval) + 1)
    return Window(math.floor(end), round(looks * interval), (looks - 1) * interval)


@dataclass(frozen=True)
class Sent:
    """What was sent: requests of each kind, and which version of user answered how often."""

    user: int
    todos: int
    versions: Counter[str]

    @property
    def total(self) -> int:
        return self.user + self.todos


def run_topology(stage: Stage, settings: Settings) -> Result:
    """The drill. Raises DrillError."""
    figures = Figures(stage.cluster)
    interval = figures.interval()
    stage.event("first requests, so that every counter has begun")
    todos = settings.requests // 2
    _send(stage, math.ceil((settings.requests - todos) / 2), math.ceil(todos / 2))
    stage.go_on("waiting for Prometheus to look", LOOKS_BEFORE * interval + 2)
    before = figures.now()
    stage.event(f"{settings.requests} requests")
    shots = _send(stage, settings.requests - todos, todos)
    stage.event("all answered")
    stage.go_on("waiting for Prometheus to look", LOOKS_AFTER * interval + 2)
    seen = window(before, figures.now(), interval)
    home = stage.application.namespace
    # Kiali refuses a namespace that is not there
    namespaces = [home, NAMESPACE, *([SERVING] if stage.application.variant == KNATIVE else [])]
    graph = graph_of(figures.graph(namespaces, seen.seconds, seen.end), seen.covered)
    answers = Counter(shot.label for shot in shots if shot.label)
    sent = Sent(settings.requests - todos, todos, answers)
    result = Result(stage.title("topology"), stage.timeline())
    result.requests("requests", "requests", shots)
    result.none_failed(shots)
    if stage.application.variant == KNATIVE:
        counts = counts_of_knative(figures, home, before, seen.end)
        graph = with_knative(graph, home, counts)
        _judge_knative(result, sent, graph, counts, home)
    else:
        judge_mesh(result, sent, graph, home)
    result.figures["edges"] = graph.as_json()
    result.figures["window"] = {"end": seen.end, "seconds": seen.seconds, "covered": seen.covered}
    result.drawing = topology(graph, result.title, _told(sent))
    return result


def _send(stage: Stage, user: int, todos: int) -> list[Shot]:
    """Requests to user through web, then to rule through web."""
    shots = []
    for path, number, label in ((USER, user, "version"), (TODOS, todos, "")):
        load = stage.load(Plan(path, WORKERS, SECONDS, number, label=label, timeout=TIMEOUT))
        with load:
            stage.until(f"answers of {path}", _all_there(load, number), SECONDS)
        shots += load.shots
    return shots


def _all_there(load: Load, number: int) -> Callable[[], bool]:
    return lambda: len(load.shots) >= number


def judge_mesh(result: Result, sent: Sent, graph: Graph, home: str) -> None:
    """What the graph must show of the application in the mesh: every edge with its number."""
    _check(result, "gateway → web", sent.total, graph.sent_from_outside({home}, "web"))
    for version in VERSIONS:
        _check(result, f"web → user {version}", sent.versions[version], graph.sent("web", "user", version))
    _check(result, "web → rule", sent.todos, graph.sent("web", "rule"))
    written = graph.sent("rule", "database", protocol=TCP)
    result.lines.append(("rule → database", f"{written / 1000:.1f} kB"))
    result.checks.append(Check("bytes between rule and database", written > 0))


def _judge_knative(result: Result, sent: Sent, graph: Graph, counts: KnativeCounts, home: str) -> None:
    """On Knative queue-proxy counts what reached each service; the graph has what the gateway sent."""
    wanted: list[tuple[tuple[str, str], float]] = [(("web", ""), sent.total), (("rule", ""), sent.todos)]
    wanted += [(("user", version), sent.versions[version]) for version in VERSIONS]
    for (service, version), number in wanted:
        _check(result, f"queue-proxy of {f'{service} {version}'.strip()}", number, counts.of_queue(service, version))
    for (service, version), number in sorted(counts.activator.items()):
        result.lines.append((f"activator → {service} {version}".strip(), f"{number:.0f}"))
    found = graph.sent_from_outside({home, SERVING})
    result.lines.append(("sent by the gateway", f"{found:.0f}, at least {sent.total}"))
    result.checks.append(Check(f"the gateway sent all {sent.total}", found >= sent.total * (1 - TOLERANCE)))


def _check(result: Result, name: str, sent: float, found: float) -> None:
    result.lines.append((name, f"{found:.0f} of {sent:.0f}"))
    allowed = max(1.0, sent * TOLERANCE)
    result.checks.append(Check(f"{name}: {sent:.0f} within {TOLERANCE:.0%}", abs(found - sent) <= allowed))


@dataclass(frozen=True)
class KnativeCounts:
    """Requests that Knative counted, by (service, version), at the queue-proxies and in the activator."""

    queue: dict[tuple[str, str], float]
    activator: dict[tuple[str, str], float]

    def of_queue(self, service: str, version: str = "") -> float:
        """Those of one service, in one version or in all."""
        return sum(n for (name, of), n in self.queue.items() if name == service and version in ("", of))


def counts_of_knative(figures: Figures, home: str, begin: float, end: float) -> KnativeCounts:
    """What Knative counted in a namespace between two times of the epoch. Raises DrillError without its figures."""
    queue = _grown(lambda at: _at_queues(figures, home, at), begin, end)
    if not queue:
        raise DrillError(
            "Prometheus has no figures of Knative's queue-proxies. They are offered where the role knative has run "
            "with knative_metrics: prometheus, its default with observability_state: present. Run site.yml "
            "--tags knative"
        )
    return KnativeCounts(queue, _grown(lambda at: _in_activator(figures, home, at), begin, end))


def _at_queues(figures: Figures, home: str, at: float) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for series in figures.query(QUEUE_COUNT.format(home), at):
        labels = series["metric"]
        found[labels.get("serving_knative_dev_service", ""), labels.get("version", "")] = float(series["value"][1])
    return found


def _in_activator(figures: Figures, home: str, at: float) -> dict[tuple[str, str], float]:
    """The activator names revisions, of which several may be of one service and no version."""
    found: dict[tuple[str, str], float] = {}
    for series in figures.query(ACTIVATOR_COUNT.format(home), at):
        version = VERSIONED.fullmatch(series["metric"].get("kn_revision_name", ""))
        key = series["metric"].get("kn_service_name", ""), version[1] if version else ""
        found[key] = found.get(key, 0.0) + float(series["value"][1])
    return found


def _grown(at: Callable[[float], dict[_Key, float]], begin: float, end: float) -> dict[_Key, float]:
    """What each counter grew by; one that went back began anew, with another pod."""
    before, after = at(begin), at(end)
    return {key: value - before.get(key, 0.0) for key, value in after.items() if value > before.get(key, 0.0)}


def with_knative(graph: Graph, home: str, counts: KnativeCounts) -> Graph:
    """The graph with Knative's own counts: the activator as a node, each queue-proxy as words in its service's node."""
    known = [node for node in graph.nodes if node.namespace == home]

    def place(service: str, version: str) -> Node:
        fitting = [node for node in known if node.is_of(service, version)]
        return fitting[0] if fitting else Node(home, service, version)

    notes = {place(*key): (f"queue-proxy {number:.0f}",) for key, number in sorted(counts.queue.items())}
    activator = Node(SERVING, "activator")
    through = [Edge(activator, place(*key), "activator", number) for key, number in sorted(counts.activator.items())]
    return replace(graph, edges=(*graph.edges, *through), notes={**graph.notes, **notes})


def _told(sent: Sent) -> str:
    versions = ", ".join(f"{version} {number}" for version, number in sorted(sent.versions.items()))
    return f"{sent.total} requests: {sent.user} to user ({versions}), {sent.todos} to rule, all through web"
