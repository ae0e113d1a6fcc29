"""API server, nodes, clocks and figures, on a real API server; the test is the kubelets."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify import api_server as server_fact
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify import clocks, metrics, nodes
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.settings import Limits
from releases import document, namespace
from sites import node, put, remove, scene, stamp, until


@pytest.fixture
def with_nodes(site: Cluster) -> Iterator[Cluster]:
    """Two nodes of Linux, one of Windows, one of KWOK."""
    node(site, "one")
    node(site, "two")
    node(site, "pane", system="windows")
    node(site, "mock", type="kwok")
    yield site
    remove(site, "v1", "Node", "one", "two", "pane", "mock")


def test_the_api_server_answers_with_its_version_and_its_time(site: Cluster) -> None:
    fact = server_fact.ask(scene(site))
    assert fact.ok and fact.text.startswith("Kubernetes v1.36.") and 0 < fact.figures["milliseconds"] < 5000


def test_a_cluster_without_nodes_is_none(site: Cluster) -> None:
    fact = nodes.ask(scene(site))
    assert (fact.ok, fact.cause, fact.remedy) == (False, "the cluster has no node", "add a node")


def test_nodes_are_counted_by_what_they_are(with_nodes: Cluster) -> None:
    fact = nodes.ask(scene(with_nodes))
    assert fact.ok
    assert fact.text == "2 of 2 nodes of Linux Ready; passed over: 1 of KWOK, 1 of Windows"
    assert fact.figures == {"ready": 2, "not_ready": 0, "cordoned": 0, "passed_over": {"Windows": 1, "KWOK": 1}}


def test_a_node_that_is_not_ready_is_named_with_what_it_says(with_nodes: Cluster) -> None:
    node(with_nodes, "two", ready="Unknown")
    short = nodes.ask_quickly(scene(with_nodes))
    assert short.ok and "node two is not Ready" in short.text
    fact = nodes.ask(scene(with_nodes))
    assert not fact.ok and fact.text.startswith("1 of 2 nodes of Linux Ready")
    assert fact.cause == "node two is not Ready: KubeletSaysSo as it was told"
    assert "kubectl --context test describe node two" in fact.remedy


def renew(site: Cluster, name: str, ahead: float) -> None:
    """Renew a node's lease as a kubelet does whose clock is so many seconds ahead."""
    spec = {"holderIdentity": name, "leaseDurationSeconds": 40}
    lease = document("coordination.k8s.io/v1", "Lease", name, spec=spec)
    if site.get("v1", "Namespace", clocks.LEASES) is None:
        site.apply(namespace(clocks.LEASES), manager="someone")
    lease["metadata"]["namespace"] = clocks.LEASES
    path = site.resource("coordination.k8s.io/v1", "Lease").path(clocks.LEASES)
    live = site.get("coordination.k8s.io/v1", "Lease", name, clocks.LEASES)
    if live is None:
        live = site.transport.call("POST", path, query={"fieldManager": "kubelet"}, body=lease)
    live["spec"]["renewTime"] = stamp(datetime.now(UTC) + timedelta(seconds=ahead))
    site.transport.call("PUT", f"{path}/{name}", query={"fieldManager": "kubelet"}, body=live)


def test_clocks_that_agree(with_nodes: Cluster) -> None:
    renew(with_nodes, "one", 0)
    renew(with_nodes, "one", 0)
    renew(with_nodes, "two", 0)
    renew(with_nodes, "mock", 3600)
    fact = clocks.ask(scene(with_nodes))
    assert fact.ok, fact
    assert set(fact.figures["nodes_seconds"]) == {"one", "two"}, "nobody goes by the clock of a KWOK node"
    assert all(abs(seconds) <= 1 for seconds in fact.figures["nodes_seconds"].values())
    assert abs(fact.figures["api_server_seconds"]) <= 1


@pytest.mark.parametrize(("ahead", "told"), [(60.0, "+60"), (-7.0, "-7")])
def test_a_node_whose_clock_is_wrong_is_named(
    with_nodes: Cluster, monkeypatch: pytest.MonkeyPatch, ahead: float, told: str
) -> None:
    monkeypatch.setattr(clocks, "_RENEWED_AFTER", 0.1)
    renew(with_nodes, "one", ahead)
    renew(with_nodes, "two", 0)
    fact = clocks.ask(scene(with_nodes))
    assert not fact.ok and fact.cause.startswith("the clock of node one is ") and "two" not in fact.cause
    seen = float(fact.cause.split(" is ")[1].split(" s ")[0])
    assert abs(seen - ahead) <= 1 and seen * ahead > 0
    assert clocks.ask(scene(with_nodes, limits=Limits(clock_seconds=70))).ok


def test_a_renewal_that_took_long_is_no_slow_clock(with_nodes: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    renew(with_nodes, "one", -7)
    renew(with_nodes, "two", 0)
    monkeypatch.setattr(clocks, "_RENEWED_AFTER", 3.0)
    later = threading.Timer(1.5, renew, (with_nodes, "one", 0))
    later.start()
    fact = clocks.ask(scene(with_nodes))
    later.join()
    assert fact.ok and abs(fact.figures["nodes_seconds"]["one"]) <= 1


def test_the_lease_is_measured_each_time_it_is_renewed(with_nodes: Cluster) -> None:
    """The server's note of the time goes along with every renewal, so a difference does not grow by itself."""
    renew(with_nodes, "one", 0)
    time.sleep(2.5)
    renew(with_nodes, "one", 0)
    assert abs(clocks.ask(scene(with_nodes)).figures["nodes_seconds"]["one"]) <= 1


@pytest.mark.parametrize(("headers", "ahead"), [({"Date": "Thu, 26 Nov 2026 12:00:00 GMT"}, 10.5)])
def test_the_header_date_stands_for_a_whole_second(headers: dict[str, str], ahead: float) -> None:
    here = datetime(2026, 11, 26, 11, 59, 50, tzinfo=UTC).timestamp()
    assert clocks.ahead_by(headers, here) == ahead
    with pytest.raises(ValueError, match="no header Date"):
        clocks.ahead_by({}, here)


def measured(name: str, age: float, now: float) -> dict[str, Any]:
    moment = datetime.fromtimestamp(now - age, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"metadata": {"name": name}, "timestamp": moment, "usage": {"cpu": "1", "memory": "1Ki"}}


def test_fresh_figures_and_those_that_nobody_waits_for(with_nodes: Cluster) -> None:
    now = float(int(time.time()))
    fact = metrics.judged(scene(with_nodes), [measured("one", 10, now), measured("two", 31, now)], now)
    assert fact.ok and fact.text.startswith("figures of 2 of 2 nodes, at most 31 s old; passed over: ")
    assert "mock (KWOK)" in fact.text and "pane (Windows)" in fact.text


def test_missing_and_stale_figures_are_named_with_what_is_behind_them(with_nodes: Cluster) -> None:
    now = float(int(time.time()))
    fact = metrics.judged(scene(with_nodes), [measured("one", 10, now)], now)
    assert fact.cause == ("metrics-server has no figures of two; Deployment kube-system/metrics-server is not there")
    items = [measured("one", 91, now), measured("two", 10, now)]
    fact = metrics.judged(scene(with_nodes), items, now)
    assert fact.cause.startswith("the figures of one are older than 90 s (verify_metrics_seconds)")
    assert metrics.judged(scene(with_nodes, limits=Limits(metrics_seconds=120)), items, now).ok


def test_figures_without_metrics_server(with_nodes: Cluster) -> None:
    fact = metrics.ask(scene(with_nodes))
    assert (fact.skipped, fact.text) == (True, "metrics-server is not installed")
    service = {
        "group": "metrics.k8s.io",
        "version": "v1beta1",
        "service": {"name": "metrics-server", "namespace": "kube-system"},
        "insecureSkipTLSVerify": True,
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
    }
    put(with_nodes, document("apiregistration.k8s.io/v1", "APIService", "v1beta1.metrics.k8s.io", spec=service))
    until(
        lambda: not metrics.ask(scene(with_nodes)).skipped and "ServiceNotFound" in metrics.ask(scene(with_nodes)).cause
    )
    fact = metrics.ask(scene(with_nodes))
    assert fact.text.startswith("the metrics API answers HTTP ")
    assert "Deployment kube-system/metrics-server is not there" in fact.cause
    assert fact.remedy == "run site.yml --tags metrics_server"
    remove(with_nodes, "apiregistration.k8s.io/v1", "APIService", "v1beta1.metrics.k8s.io")
