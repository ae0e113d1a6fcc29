"""What the drill topology makes of figures: the window, the numbers, and what is met."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.errors import DrillError
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.graph import Edge, Graph, Node
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.mesh_figures import require_figures
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.report import write
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.result import Result
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.timeline import Timeline
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.topology import (
    KnativeCounts,
    Sent,
    judge_mesh,
    window,
    with_knative,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from releases import namespace

GATEWAY = Node("istio-system", "istio-ingressgateway")
WEB, RULE, DATABASE = (Node("todo", name) for name in ("web", "rule", "database"))
V1, V2 = (Node("todo", "user", version) for version in ("v1", "v2"))
SENT = Sent(200, 200, Counter(v1=96, v2=104))
SEEN = Graph(
    (
        Edge(GATEWAY, WEB, "http", 401.2),
        Edge(WEB, V1, "http", 96.8),
        Edge(WEB, V2, "http", 103.1),
        Edge(WEB, RULE, "http", 199.5),
        Edge(RULE, DATABASE, "tcp", 51234.0),
    )
)


def extrapolated_rate(samples: list[tuple[float, float]], end: float, seconds: float) -> float:
    """Prometheus' rate() of a counter that never went back, as promql/functions.go has it (left-open window)."""
    inside = [(at, value) for at, value in samples if end - seconds < at <= end]
    (first_at, first), (last_at, last) = inside[0], inside[-1]
    sampled = last_at - first_at
    step = sampled / (len(inside) - 1)
    to_start, to_end = first_at - (end - seconds), end - last_at
    if to_start >= step * 1.1:
        to_start = step / 2
    if last > first and first >= 0:
        to_start = min(to_start, sampled * (first / (last - first)))
    if to_end >= step * 1.1:
        to_end = step / 2
    return (last - first) * ((sampled + to_start + to_end) / sampled) / seconds


@pytest.mark.parametrize("interval", [5.0, 15.0, 30.0])
@pytest.mark.parametrize("offset", [0.0, 0.3, 2.4, 4.9])
@pytest.mark.parametrize("sent", [20, 100, 400])
def test_a_rate_over_the_window_becomes_the_number_that_was_sent(interval: float, offset: float, sent: int) -> None:
    """Requests go out evenly over 23 s, half as many went before; Kiali rounds a rate to two digits."""
    begin = 1000.0 + 2 * interval + 2
    end = begin + 23.0 + 3 * interval + 2
    looks = [(offset + step * interval) for step in range(int(2000 / interval))]
    samples = [(at, 0 if at < 990 else sent / 2 + sent * min(1.0, max(0.0, (at - begin) / 23.0))) for at in looks]
    seen = window(begin, end, interval)
    rate = round(extrapolated_rate(samples, seen.end, seen.seconds), 2)
    assert rate * seen.covered == pytest.approx(sent, rel=0.005, abs=0.006 * seen.covered)
    assert seen.end - seen.seconds >= 1000.0, "nothing of what went before begins in it"
    assert math.isclose(seen.covered, seen.seconds - interval)


def result() -> Result:
    return Result("topology", Timeline("pods"))


def unmet(found: Result) -> list[str]:
    return [check.what for check in found.checks if not check.met]


def test_a_graph_with_all_the_numbers_is_met() -> None:
    found = result()
    judge_mesh(found, SENT, SEEN, "todo")
    assert found.met and len(found.checks) == 5
    assert ("web → user v1", "97 of 96") in found.lines


@pytest.mark.parametrize("number", range(5))
def test_a_number_that_is_missing_or_off_is_told(number: int) -> None:
    for edges in (
        SEEN.edges[:number] + SEEN.edges[number + 1 :],
        tuple(replace(one, amount=one.amount * 0.9 if one.protocol == "http" else 0.0) if at == number else one
              for at, one in enumerate(SEEN.edges)),
    ):  # fmt: skip
        found = result()
        judge_mesh(found, SENT, Graph(edges), "todo")
        assert len(unmet(found)) == 1


def test_a_version_without_a_share_has_no_edge() -> None:
    found = result()
    edges = tuple(replace(one, amount=200.0) if one.target == V2 else one for one in SEEN.edges if one.target != V1)
    judge_mesh(found, Sent(200, 200, Counter(v2=200)), Graph(edges), "todo")
    assert found.met


def test_knatives_counts_are_put_into_the_graph() -> None:
    counts = KnativeCounts(
        {("web", ""): 400.0, ("user", "v1"): 96.0, ("rule", ""): 200.0}, {("web", ""): 7.0, ("user", "v1"): 90.0}
    )
    graph = with_knative(Graph((Edge(GATEWAY, WEB, "http", 400.0), Edge(GATEWAY, V1, "http", 96.0))), "todo", counts)
    assert graph.notes == {WEB: ("queue-proxy 400",), V1: ("queue-proxy 96",), RULE: ("queue-proxy 200",)}
    through = {
        (str(edge.source), str(edge.target), edge.amount) for edge in graph.edges if edge.protocol == "activator"
    }
    assert through == {("activator", "web", 7.0), ("activator", "user v1", 90.0)}
    assert counts.of_queue("user") == counts.of_queue("user", "v1") == 96.0 and counts.of_queue("user", "v2") == 0


def test_a_drawing_takes_the_place_of_the_plot(tmp_path: Path) -> None:
    found = replace(result(), drawing="<svg/>")
    files = write(found, tmp_path, "topology", "istio", datetime.now(UTC))
    assert [file.name for file in files] == ["topology-istio.svg", "topology-istio.json"]
    assert files[0].read_text() == "<svg/>" and json.loads(files[1].read_text())["drill"] == "topology"


def test_without_kiali_and_prometheus_it_says_what_to_install(cluster: Cluster) -> None:
    with pytest.raises(DrillError, match="kiali in istio-system, and it is not there. Install both with site.yml"):
        require_figures(cluster)
    cluster.apply(namespace("istio-system"))
    spec = {"containers": [{"name": "c", "image": "example.org/x"}], "automountServiceAccountToken": False}
    metadata = {"name": "kiali-0", "namespace": "istio-system", "labels": {"app.kubernetes.io/name": "kiali"}}
    account = {"name": "default", "namespace": "istio-system"}
    cluster.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
    cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    with pytest.raises(DrillError, match="no pod of it is ready"):
        require_figures(cluster)
    cluster.delete("v1", "Pod", "kiali-0", "istio-system")
