"""The drill scale_out on a real API server with its controllers; the test is the autoscaler and the kubelet."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills import scale_out as drill
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.application import Application
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.errors import DrillError
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.http_client import Address
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.settings import Settings
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.stage import Stage
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from page_server import PageServer
from releases import deployment, namespace
from stand_in import MERGE, Kubelet

SETTINGS = Settings(load_workers=2)
# What the autoscaler makes of the load, by the event that it follows
OUT_AND_BACK = {"load starts": 2, "2 pods ready": 3, "load stops": 1}


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """The drill looks on for seconds; a test need not."""
    for name in ("CALM", "FULL", "END"):
        monkeypatch.setattr(drill, name, 0.5)


@pytest.fixture
def home(cluster: Cluster, name: str) -> str:
    """web at one pod."""
    cluster.apply(namespace(name))
    web = deployment("web", replicas=1)
    web["metadata"]["namespace"] = name
    cluster.apply(web)
    return name


def stage_of(
    cluster: Cluster, home: str, page: PageServer, replicas: dict[str, int], also: Callable[[str], None] | None = None
) -> Stage:
    """A stage whose events set how many pods are wanted, and are passed on."""

    def tell(line: str) -> None:
        event = line.partition(" s  ")[2]
        if event in replicas:
            path = f"/apis/apps/v1/namespaces/{home}/deployments/web/scale"
            cluster.transport.call("PATCH", path, body={"spec": {"replicas": replicas[event]}}, content_type=MERGE)
        if also:
            also(event)

    application = Application("kubernetes", home, Address("127.0.0.1", page.port, "web"))
    return Stage(cluster, application, tell, Deadline(60))


def test_web_goes_out_to_three_pods_and_back(cluster: Cluster, home: str, page: PageServer) -> None:
    left: list[int] = []

    def count(event: str) -> None:
        if event == "back at 1 pod":
            left.append(len(cluster.list("v1", "Pod", home)))

    with Kubelet(cluster, home):
        result = drill.scale_out(stage := stage_of(cluster, home, page, OUT_AND_BACK, count), SETTINGS)
    assert left == [1], "it is told when it is so"
    assert result.met, result.checks
    assert [event.label for event in stage.events] == [
        "load starts",
        "2 pods ready",
        "3 pods ready",
        "load stops",
        "back at 1 pod",
    ]
    assert 0 < result.figures["seconds_to_2"] < result.figures["seconds_to_3"]
    assert result.figures["seconds_back"] > 0
    paths = [path for _at, path, _host in page.requests]
    assert result.figures["load"]["requests"] == paths.count(drill.PATH) > result.figures["visitor"]["requests"]
    assert result.figures["visitor"]["requests"] == paths.count("/") >= 2
    ready = [value for _at, value in result.timeline.steps[0].points]
    assert max(ready) == 3 and ready[-1] == 1


def test_failed_requests_fail_the_drill(cluster: Cluster, home: str, page: PageServer) -> None:
    def fail(event: str) -> None:
        if event == "3 pods ready":
            page.status = 502

    with Kubelet(cluster, home):
        result = drill.scale_out(stage_of(cluster, home, page, OUT_AND_BACK, fail), SETTINGS)
    assert [check.met for check in result.checks] == [True, True, False]
    assert result.checks[-1].what.startswith("no failed request of ")
    assert 0 < result.figures["load"]["failed"] < result.figures["load"]["requests"]


def test_a_third_pod_that_comes_late_is_told(
    cluster: Cluster, home: str, page: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drill, "OUT_SECONDS", 0.01)
    with Kubelet(cluster, home):
        result = drill.scale_out(stage_of(cluster, home, page, OUT_AND_BACK), SETTINGS)
    assert [check.what for check in result.checks if not check.met] == ["3 pods ready within 0 s"]


def test_pods_that_do_not_come_end_the_drill(
    cluster: Cluster, home: str, page: PageServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drill, "OUT_SECONDS", -29.0)
    with Kubelet(cluster, home), pytest.raises(DrillError, match=r"2 pods of web ready \(1 of 1 pods ready\)$"):
        drill.scale_out(stage_of(cluster, home, page, {}), SETTINGS)
