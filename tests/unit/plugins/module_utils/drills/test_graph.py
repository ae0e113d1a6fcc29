"""Kiali's graph as data and as a drawing. Its form is that of Kiali's own test data (graph/api/testdata)."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.errors import DrillError
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.graph import Edge, Graph, Node, graph_of
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.plot.topology import amount, topology

SVG = "{http://www.w3.org/2000/svg}"


def node(name: str, namespace: str, app: str, version: str, **more: Any) -> dict[str, Any]:
    data = {"id": name, "nodeType": "app", "cluster": "Kubernetes", "namespace": namespace, "app": app}
    return {"data": {**data, "version": version, "workload": app, "healthData": None, **more}}


def edge(source: str, target: str, protocol: str, rate: str) -> dict[str, Any]:
    rates = {protocol: rate, **({"httpPercentReq": "50.0"} if protocol == "http" else {})}
    traffic = {"protocol": protocol, "rates": rates, "responses": {}}
    return {"data": {"id": source + target, "source": source, "target": target, "traffic": traffic}}


def answer() -> dict[str, Any]:
    """400 requests in 75 s, as the drill sends them, in the variant istio."""
    nodes = [
        node("box", "todo", "user", "", nodeType="box", isBox="app"),
        node("g", "istio-system", "istio-ingressgateway", "latest", isRoot=True),
        node("w", "todo", "web", "latest"),
        node("u1", "todo", "user", "v1", parent="box"),
        node("u2", "todo", "user", "v2", parent="box"),
        node("r", "todo", "rule", "latest"),
        node("d", "todo", "database", "latest"),
    ]
    edges = [
        edge("g", "w", "http", "5.33"),
        edge("w", "u1", "http", "1.31"),
        edge("w", "u2", "http", "1.36"),
        edge("w", "r", "http", "2.67"),
        edge("r", "d", "tcp", "1234.50"),
        edge("r", "d", "grpc", "1.00"),
    ]
    elements = {"nodes": nodes, "edges": edges}
    return {"timestamp": 1, "duration": 90, "graphType": "versionedApp", "elements": elements}


def test_rates_become_numbers() -> None:
    graph = graph_of(answer(), 75)
    assert graph.sent("istio-ingressgateway", "web") == pytest.approx(399.75)
    assert graph.sent("web", "user", "v1") == pytest.approx(98.25)
    assert graph.sent("web", "user") == pytest.approx(200.25)
    assert graph.sent_from_outside({"todo"}) == graph.sent_from_outside({"todo"}, "web") == pytest.approx(399.75)
    assert graph.sent_from_outside({"todo"}, "user") == graph.sent_from_outside({"todo", "istio-system"}) == 0
    assert graph.sent("rule", "database") == 0, "bytes are no requests"
    assert graph.sent("rule", "database", protocol="tcp") == pytest.approx(92587.5)
    assert {str(one) for one in graph.nodes} == {
        *("istio-ingressgateway", "web", "user v1"),
        *("user v2", "rule", "database"),
    }


@pytest.mark.parametrize(
    ("version", "asked", "fits"),
    [("v1", "v1", True), ("user-v1-1a2b3c4d", "v1", True), ("user-v2-1a2b3c4d", "v1", False), ("", "v1", False)],
)
def test_a_revision_of_knative_is_a_version(version: str, asked: str, fits: bool) -> None:
    assert Node("todo", "user", version).is_of("user", asked) is fits
    assert Node("todo", "user", version).is_of("user")
    assert not Node("todo", "other", version).is_of("user", asked)


@pytest.mark.parametrize("broken", [{}, {"elements": None}, {"elements": {"nodes": [{}], "edges": []}}])
def test_another_form_is_told(broken: dict[str, Any]) -> None:
    with pytest.raises(DrillError, match="not of the form"):
        graph_of(broken, 75)


def test_an_edge_to_nobody_is_told() -> None:
    document = answer()
    document["elements"]["edges"].append(edge("w", "nobody", "http", "1.00"))
    with pytest.raises(DrillError, match="not of the form"):
        graph_of(document, 75)


def places(svg: str) -> dict[str, tuple[float, float]]:
    root = ElementTree.fromstring(svg)
    return {found.text or "": (float(found.get("x")), float(found.get("y"))) for found in root.iter(SVG + "text")}


def test_the_drawing_has_every_node_and_number_with_callers_to_the_left() -> None:
    svg = topology(graph_of(answer(), 75), "topology (istio)", "400 requests <all>")
    found = places(svg)
    assert {"400", "98", "102", "200", "93 kB"} <= set(found)
    columns = [found[name][0] for name in ("istio-ingressgateway", "web", "rule", "database")]
    assert columns == sorted(columns) and len(set(columns)) == 4
    assert found["user v1"][0] == found["user v2"][0] == found["rule"][0]
    assert len({found[name][1] for name in ("user v1", "user v2", "rule")}) == 3
    root = ElementTree.fromstring(svg)
    assert root.find(SVG + "desc").text == "400 requests <all>"
    assert sum(element.get("class") == "tip" for element in root.iter(SVG + "path")) == 5
    width, height = map(float, root.get("viewBox").split()[2:])
    assert all(0 <= x <= width and 0 <= y <= height for x, y in found.values())
    for rect in root.iter(SVG + "rect"):
        assert float(rect.get("x")) + float(rect.get("width")) <= width
        assert float(rect.get("y")) + float(rect.get("height")) <= height


def test_calls_back_and_in_a_circle_are_drawn_as_well() -> None:
    gateway, web, user = Node("istio-system", "gateway"), Node("todo", "web"), Node("todo", "user")
    edges = (Edge(gateway, web, "http", 4), Edge(web, gateway, "http", 3), Edge(gateway, user, "http", 3))
    svg = topology(Graph(edges), "circle", "")
    assert svg.count('class="tip"') == 3
    assert topology(Graph(()), "nothing", "")


def test_notes_are_words_in_their_node() -> None:
    user = Node("todo", "user", "v1")
    svg = topology(Graph((), {user: ("queue-proxy 98",)}), "notes", "")
    assert {"user v1", "todo", "queue-proxy 98"} <= set(places(svg))


@pytest.mark.parametrize(
    ("protocol", "value", "text"),
    [("http", 99.6, "100"), ("tcp", 12.0, "12 B"), ("tcp", 92587.5, "93 kB"), ("tcp", 2.34e6, "2.3 MB")],
)
def test_amounts(protocol: str, value: float, text: str) -> None:
    assert amount(Edge(Node("a", "a"), Node("b", "b"), protocol, value)) == text
