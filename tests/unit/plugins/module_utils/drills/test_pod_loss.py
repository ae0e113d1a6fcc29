"""The drill pod_loss on a real API server with its controllers; the test is the kubelet, a page server the pods."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills import pod_loss as drill
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.application import Endpoints
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.errors import DrillError
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.run import finish, prepare, run
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.settings import Settings
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.stage import Stage
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from page_server import PageServer
from stand_in import Kubelet, install


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """The drill looks on for seconds; a test need not."""
    for name, seconds in (("BEFORE", 1.0), ("AFTER", 1.0), ("START", 20.0)):
        monkeypatch.setattr(drill, name, seconds)


@pytest.fixture
def page() -> Iterator[PageServer]:
    """A page server on a port that can be a node port."""
    for _try in range(20):
        try:
            server = PageServer(random.randint(30000, 32767))
            break
        except OSError:
            continue
    yield server
    server.stop()


@pytest.fixture
def home(cluster: Cluster, name: str, page: PageServer) -> str:
    """The application of this test's own."""
    install(cluster, name, page.port)
    return name


def stage_of(cluster: Cluster, home: str, told: list[str]) -> Stage:
    return prepare(cluster, "pod_loss", home, Endpoints(node="127.0.0.1"), told.append, Deadline(60), write=True)


def least(cluster: Cluster, home: str) -> int:
    return cluster.get("autoscaling/v2", "HorizontalPodAutoscaler", "web", home)["spec"]["minReplicas"]


def test_a_pod_is_lost_and_replaced(cluster: Cluster, home: str, page: PageServer, tmp_path: Path) -> None:
    told: list[str] = []
    with Kubelet(cluster, home):
        stage = stage_of(cluster, home, told)
        result = run(stage, "pod_loss", Settings(rate=50))
    assert result.met
    assert result.figures["requests"]["requests"] == len(page.requests) - 1  # one was for the preconditions
    assert result.figures["requests"]["failed"] == 0
    assert [event.label for event in stage.events] == ["pod deleted", "replaced", "gone"]
    ready = [value for _at, value in result.timeline.steps[0].points]
    assert max(ready) == 2 and 1 in ready[ready.index(2) :], "the loss is in the replicas over time"
    assert least(cluster, home) == 1

    lines, values = finish(result, tmp_path, "pod_loss", "kubernetes", stage.started)
    assert "failed" not in values
    assert any("no failed request" in line for line in lines)
    written = json.loads((tmp_path / "pod_loss-kubernetes.json").read_text())
    assert written["met"] is True
    assert len(written["timeline"]["requests"]["rows"]) == result.figures["requests"]["requests"]
    ElementTree.parse(tmp_path / "pod_loss-kubernetes.svg")
    assert values["files"] == [str(tmp_path / f"pod_loss-kubernetes.{suffix}") for suffix in ("svg", "json")]


def test_a_failed_request_fails_the_drill(cluster: Cluster, home: str, page: PageServer, tmp_path: Path) -> None:
    def tell(line: str) -> None:
        if "pod deleted" in line:
            page.status = 503

    with Kubelet(cluster, home):
        stage = prepare(cluster, "pod_loss", home, Endpoints(node="127.0.0.1"), tell, Deadline(60), write=True)
        result = run(stage, "pod_loss", Settings(rate=50))
    assert not result.met
    assert result.figures["requests"]["failed"] >= 50
    lines, values = finish(result, tmp_path, "pod_loss", "kubernetes", stage.started)
    assert values["failed"] is True and "no failed request of" in values["msg"]
    assert any("times: HTTP 503" in line for line in lines)
    assert least(cluster, home) == 1


def test_a_pod_that_is_not_replaced_ends_the_drill_and_all_is_put_back(
    cluster: Cluster, home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drill, "REPLACED", 5.0)
    told: list[str] = []
    with Kubelet(cluster, home) as kubelet:
        stage = stage_of(cluster, home, told)
        stage.tell = lambda line: setattr(kubelet, "lame", True) if "pod deleted" in line else told.append(line)
        result = run(stage, "pod_loss", Settings(rate=10))
    assert [check.met for check in result.checks] == [False]
    assert result.checks[0].what.startswith("not within 5 s: the pod is replaced (1 of 2 pods ready")
    lines, values = finish(result, tmp_path, "pod_loss", "kubernetes", stage.started)
    assert values["failed"] and "the pod is replaced" in values["msg"]
    assert any("requests until then" in line for line in lines)
    assert len(json.loads((tmp_path / "pod_loss-kubernetes.json").read_text())["timeline"]["requests"]["rows"]) > 10
    assert least(cluster, home) == 1


def test_the_page_must_answer_before_anything_is_changed(cluster: Cluster, home: str, page: PageServer) -> None:
    page.status = 500
    with pytest.raises(DrillError, match=r"does not answer at http://127.0.0.1:\d+ .*: HTTP 500"):
        stage_of(cluster, home, [])
