"""The to-do application and its split: objects on a real API server, a real HTTP server at the gateway's address."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.errors import DrillError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify import application, split
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.scene import Scene
from page_server import PageServer
from releases import definition, document, namespace
from sites import node, put, remove, running, scene
from standing import stand

HALF = {"v1": 50, "v2": 50}


@pytest.fixture(scope="module", autouse=True)
def _standing(server: object) -> None:
    """The variant istio: Deployments that serve, and the routes of page and user."""
    site = Cluster.connect("test", str(server.kubeconfig))  # type: ignore[attr-defined]
    node(site, "one")
    site.apply(namespace("todo"), manager="someone")
    for name in ("web", "rule", "user-v1", "user-v2"):
        running(site, "todo", name)
    running(site, "istio-system", "istio-ingressgateway")
    stand(site, "crd-routes", [definition("networking.istio.io", "VirtualService")], form="none")
    route = document("networking.istio.io/v1", "VirtualService", "web", spec={"hosts": ["web.todo.example.com"]})
    put(site, route, "todo")
    stand(site, "todo", [])
    share(site, HALF)


@pytest.fixture
def page() -> Iterator[PageServer]:
    """What is at the gateway's address."""
    served = PageServer()
    served.versions = ["v1", "v2"]
    yield served
    served.stop()


def share(site: Cluster, shares: dict[str, int]) -> None:
    parts = [{"destination": {"subset": version}, "weight": weight} for version, weight in shares.items()]
    item = document("networking.istio.io/v1", "VirtualService", "user", spec={"http": [{"route": parts}]})
    put(site, item, "todo")


def asking(site: Cluster, page: PageServer, **settings: Any) -> Scene:
    return scene(site, gateway_address=f"127.0.0.1:{page.port}", **settings)


def test_the_page_alone_and_all_that_is_behind_it(site: Cluster, page: PageServer) -> None:
    fact = application.ask_quickly(asking(site, page))
    assert fact.ok and fact.text.startswith(f"http://web.todo.example.com/ at 127.0.0.1:{page.port}: / ")
    assert {path for _at, path, _host in page.requests} == {"/"}
    assert {host for _at, path, host in page.requests if path == "/" and host != "verify.invalid"} == {
        "web.todo.example.com"
    }
    fact = application.ask(asking(site, page))
    assert fact.ok and set(fact.figures["milliseconds"]) == {"/", "/api/user", "/api/todos?limit=1"}


def test_an_application_that_answers_wrong_is_told_with_its_database(site: Cluster, page: PageServer) -> None:
    page.status = 503
    fact = application.ask(asking(site, page))
    assert "/api/user answers HTTP 503" in fact.cause
    assert fact.cause.endswith("StatefulSet todo/database is not there")
    assert fact.text.endswith(" answers 0 of 3")


def test_it_is_looked_for_in_the_namespace_that_is_named(site: Cluster, page: PageServer) -> None:
    with pytest.raises(DrillError, match="is not in the namespace elsewhere"):
        application.ask(asking(site, page, application="elsewhere"))


def test_it_is_not_asked_where_it_is_not_installed(site: Cluster, page: PageServer) -> None:
    live = site.get("v1", "ConfigMap", "release-todo", "kube-system")
    assert live is not None
    remove(site, "v1", "ConfigMap", "release-todo", home="kube-system")
    for ask in (application.ask, split.ask):
        assert ask(asking(site, page)).text == "the to-do application is not installed"
    stand(site, "todo", [])


def test_so_many_requests_are_counted_by_version(site: Cluster, page: PageServer) -> None:
    fact = split.ask(asking(site, page, split_requests=60, user_traffic=HALF))
    assert fact.ok, fact
    assert sum(fact.figures["answers"].values()) == 60
    assert [path for _at, path, _host in page.requests].count("/api/user") == 60


def test_a_split_that_is_not_the_clusters(site: Cluster, page: PageServer) -> None:
    page.versions = ["v1"] * 9 + ["v2"]
    fact = split.ask(asking(site, page, user_traffic=HALF))
    assert "of 100 answers, and 31 to 69 are due at 50 %" in fact.cause
    share(site, {"v1": 90, "v2": 10})
    assert split.ask(asking(site, page)).ok
    fact = split.ask(asking(site, page, user_traffic=HALF))
    assert fact.cause == "the cluster shares the requests 90/10 (v1, v2), the inventory says 50/50 (v1, v2)"
    share(site, HALF)


def test_a_version_that_answers_with_errors(site: Cluster, page: PageServer) -> None:
    page.status = 500
    fact = split.ask(asking(site, page))
    assert fact.cause.startswith("100 of 100 requests failed: 100 times HTTP 500; no answer came from v1, v2")
