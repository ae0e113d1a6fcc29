"""The drill bad_version on a real API server with its controllers; the test is the kubelet, a page server the pods."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills import bad_version as drill
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.application import Application
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.http_client import Address
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.settings import Settings
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.stage import Stage
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from page_server import PageServer
from releases import deployment, namespace
from stand_in import Kubelet

WORDS = "Readiness probe failed: HTTP probe failed with statuscode: 503"


class Careful(Kubelet):
    """A kubelet whose readiness probe fails for the bad version; a careless one finds it ready all the same."""

    careless = False

    def _care_for(self, pod: dict[str, Any]) -> None:
        bad = drill.FAULT in pod["spec"]["containers"][0].get("env", [])
        if bad and not pod["metadata"].get("deletionTimestamp"):
            self._warn(pod["metadata"]["name"])
            if not self.careless:
                return
        super()._care_for(pod)

    def _warn(self, name: str) -> None:
        involved = {"apiVersion": "v1", "kind": "Pod", "namespace": self.home, "name": name}
        event = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{name}.1", "namespace": self.home},
            "involvedObject": involved,
            "type": "Warning",
            "reason": "Unhealthy",
            "message": WORDS,
        }
        self.cluster.apply(event, manager="kubelet", force=True)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """The drill looks on for seconds; a test need not."""
    monkeypatch.setattr(drill, "BEFORE", 1.0)
    monkeypatch.setattr(drill, "AFTER", 1.0)


@pytest.fixture
def stage(cluster: Cluster, name: str, page: PageServer) -> Stage:
    """rule as the role applies it, and the page server before it."""
    cluster.apply(namespace(name))
    rule = deployment("rule", replicas=1)
    rule["metadata"]["namespace"] = name
    rule["spec"]["strategy"] = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
    cluster.apply(rule)
    application = Application("kubernetes", name, Address("127.0.0.1", page.port, "web"))
    return Stage(cluster, application, lambda line: None, Deadline(60))


def environment(stage: Stage) -> list[dict[str, str]]:
    rule = stage.cluster.get("apps/v1", "Deployment", "rule", stage.application.namespace)
    return rule["spec"]["template"]["spec"]["containers"][0].get("env", [])


def test_a_version_that_never_gets_ready(cluster: Cluster, stage: Stage) -> None:
    with Careful(cluster, stage.application.namespace):
        result = drill.bad_version(stage, Settings(rate=20, hold_seconds=2))
    assert result.met
    assert result.figures["reason"] == f"last warning: Unhealthy: {WORDS}"
    assert result.figures["requests"]["requests"] > result.figures["beside_bad_version"]["requests"] > 30
    ready, present = ([value for _at, value in steps.points] for steps in result.timeline.steps)
    assert max(ready) == 1 and max(present) == 2
    assert environment(stage) == []


def test_a_gate_that_lets_it_through_is_found_out(cluster: Cluster, stage: Stage) -> None:
    with Careful(cluster, stage.application.namespace) as kubelet:
        kubelet.careless = True
        result = drill.bad_version(stage, Settings(rate=20, hold_seconds=2))
    assert [check.what for check in result.checks if not check.met] == ["the bad version never got ready"]
    assert environment(stage) == []
