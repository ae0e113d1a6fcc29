"""The drill cold_start on a real API server; the test is Knative and the kubelet, a page server the pods."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills import cold_start as drill
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.application import Application
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.errors import DrillError
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.http_client import Address
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.settings import Settings
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.stage import Stage
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from page_server import PageServer
from releases import definition, document, namespace
from stand_in import MERGE, READY
from standing import stand

START = 0.5  # seconds that a pod takes until it answers
IDLE = 1.0  # seconds without requests after which a service has no pods


class Knative:
    """A pod of a revision when the first request for it comes, and none when no more come. Use as a context manager."""

    def __init__(self, cluster: Cluster, home: str, page: PageServer) -> None:
        self.cluster, self.home = cluster, home
        self.stays = False
        self._pods: set[str] = set()
        self._asked = time.monotonic()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        page.before = self._before

    def __enter__(self) -> Knative:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        self._thread.join()

    def start(self, service: str, revision: str) -> None:
        labels = {"serving.knative.dev/service": service, drill.REVISION: revision}
        pod = document("v1", "Pod", revision, spec={"containers": [{"name": "main", "image": "app:1"}]})
        pod["metadata"].update(namespace=self.home, labels=labels)
        self.cluster.apply(pod)
        path = f"/api/v1/namespaces/{self.home}/pods/{revision}/status"
        self.cluster.transport.call("PATCH", path, body={"status": READY}, content_type=MERGE)
        self._pods.add(revision)

    def _before(self, path: str, version: str) -> None:
        service = next(service for service, (asked, _label) in drill.PATHS.items() if asked == path)
        revision = f"user-{version}" if service == "user" else "rule-00001"
        with self._lock:
            if revision not in self._pods:
                time.sleep(START)
                self.start(service, revision)
            self._asked = time.monotonic()

    def _run(self) -> None:
        while not self._stop.wait(0.05):
            with self._lock:
                if not self.stays and time.monotonic() - self._asked > IDLE:
                    for name in self._pods:
                        self.cluster.delete("v1", "Pod", name, self.home, grace_seconds=0)
                    self._pods.clear()


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drill, "PAUSE", 0.01)


@pytest.fixture
def stage(cluster: Cluster, name: str, page: PageServer) -> Stage:
    """user with two revisions that share the requests and a third that gets none."""
    cluster.apply(namespace(name))
    stand(cluster, "crd-ksvc", [definition("serving.knative.dev", "Service")], form="none")
    shares = (("user-v1", 50), ("user-v2", 50), ("user-v0", 0))
    traffic = [{"revisionName": revision, "percent": percent} for revision, percent in shares]
    user = document("serving.knative.dev/v1", "Service", "user", spec={}, status={"traffic": traffic})
    user["metadata"]["namespace"] = name
    cluster.apply(user)
    page.versions = ["v1", "v2"]
    application = Application("knative", name, Address("127.0.0.1", page.port, "web"))
    return Stage(cluster, application, lambda line: None, Deadline(60))


@pytest.fixture
def knative(cluster: Cluster, stage: Stage, page: PageServer) -> Iterator[Knative]:
    with Knative(cluster, stage.application.namespace, page) as running:
        yield running


def test_each_revision_is_met_without_pods_in_each_round(stage: Stage, knative: Knative) -> None:
    result = drill.cold_start(stage, Settings(cold_rounds=2, warm_requests=3))
    assert result.met, result.checks
    requests = {key: result.figures[key]["requests"] for key in ("user_cold", "user_warm", "rule_cold", "rule_warm")}
    assert requests == {"user_cold": 4, "user_warm": 6, "rule_cold": 2, "rule_warm": 6}
    assert result.figures["requests"]["requests"] == 18
    for service in ("user", "rule"):
        cold, warm = (result.figures[f"{service}_{kind}"]["p50"] for kind in ("cold", "warm"))
        assert cold >= START and cold > warm
    told = [event.label.split()[0] for event in stage.events]
    assert told == ["no", "user", "user", "rule"] * 2, "when there were no pods, and each cold answer"
    assert max(value for _at, value in result.timeline.steps[0].points) == 2


def test_answers_of_a_revision_that_has_a_pod_are_warm(stage: Stage, knative: Knative, page: PageServer) -> None:
    """Of nine answers the first is cold, and so is the last one, of the version that comes late."""
    page.versions = ["v1"] * 9 + ["v2"]
    result = drill.cold_start(stage, Settings(cold_rounds=1, warm_requests=1))
    assert result.figures["user_cold"]["requests"] == 2
    assert result.figures["user_warm"]["requests"] == 7 + 1


def test_a_service_that_answers_with_errors_has_not_started(stage: Stage, knative: Knative, page: PageServer) -> None:
    page.status = 503
    result = drill.cold_start(stage, Settings(cold_rounds=1, warm_requests=1))
    assert [check.what for check in result.checks if not check.met] == [
        "user was met without pods and started",
        "rule was met without pods and started",
        "no failed request of 4",
    ]
    assert ("", "4 times: HTTP 503") in result.lines


def test_pods_that_stay_end_the_drill(stage: Stage, knative: Knative, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drill, "IDLE_SECONDS", 0.5)
    knative.stays = True
    knative.start("rule", "rule-00001")
    with pytest.raises(DrillError, match=r"round 1 of 1: no pods of user and rule \(user: 0 of 0 pods ready, rule: 1 "):
        drill.cold_start(stage, Settings(cold_rounds=1))
