"""Changing what the role applied, and putting it back, on a real API server."""

from __future__ import annotations

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.errors import DrillError
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.undo import NAME, Undo
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from releases import config_map, deployment, namespace, present

Document = dict
FAULT = {"name": "PGPORT", "value": "1"}
ENVIRONMENT = [{"name": "ZEBRA", "value": "1"}, {"name": "APE", "value": "2"}]


def application(name: str) -> list[Document]:
    rule = deployment("rule", replicas=1)
    rule["spec"]["template"]["spec"]["containers"][0]["env"] = ENVIRONMENT
    rule["metadata"]["namespace"] = name
    return [namespace(name), rule]


@pytest.fixture
def home(cluster: Cluster, name: str) -> str:
    """A namespace with a Deployment of the release engine's."""
    present(cluster, name, application(name))
    return name


def break_it(workload: Document) -> None:
    workload["spec"]["template"]["spec"]["containers"][0]["env"].append(FAULT)


def environment(cluster: Cluster, home: str) -> list[Document]:
    return cluster.get("apps/v1", "Deployment", "rule", home)["spec"]["template"]["spec"]["containers"][0]["env"]


def remembered(cluster: Cluster, home: str) -> bool:
    return cluster.get("v1", "ConfigMap", NAME, home) is not None


def test_a_change_is_made_and_taken_back_without_a_trace(cluster: Cluster, home: str) -> None:
    with Undo(cluster, home) as undo:
        undo.change("apps/v1", "Deployment", "rule", break_it)
        assert environment(cluster, home) == [*ENVIRONMENT, FAULT]
        assert remembered(cluster, home)
    assert environment(cluster, home) == ENVIRONMENT
    assert not remembered(cluster, home)
    outcome = present(cluster, home, application(home))
    assert not outcome.changed, "the role's next run must find nothing to do"


def test_it_is_taken_back_after_a_failure(cluster: Cluster, home: str) -> None:
    with pytest.raises(RuntimeError, match="in the middle"), Undo(cluster, home) as undo:
        undo.change("apps/v1", "Deployment", "rule", break_it)
        raise RuntimeError("in the middle")
    assert environment(cluster, home) == ENVIRONMENT
    assert not remembered(cluster, home)


def test_what_a_killed_drill_left_is_taken_back_by_the_next(cluster: Cluster, home: str) -> None:
    Undo(cluster, home).change("apps/v1", "Deployment", "rule", break_it)
    assert Undo(cluster, home).restore_former() == [f"Deployment {home}/rule"]
    assert environment(cluster, home) == ENVIRONMENT
    assert not remembered(cluster, home)
    assert Undo(cluster, home).restore_former() == []


def test_a_run_of_the_role_since_is_not_taken_back(cluster: Cluster, home: str) -> None:
    Undo(cluster, home).change("apps/v1", "Deployment", "rule", break_it)
    newer = application(home)
    newer[1]["spec"]["template"]["spec"]["containers"][0]["image"] = "example.org/app:2"
    present(cluster, home, newer)
    assert Undo(cluster, home).restore_former() == []
    container = cluster.get("apps/v1", "Deployment", "rule", home)["spec"]["template"]["spec"]["containers"][0]
    assert (container["image"], container["env"]) == ("example.org/app:2", ENVIRONMENT)
    assert not remembered(cluster, home)


def test_an_object_of_someone_else_is_left_alone(cluster: Cluster, home: str) -> None:
    other = config_map("other", {"a": "b"})
    other["metadata"]["namespace"] = home
    cluster.apply(other, manager="someone")
    with pytest.raises(DrillError, match=f"ConfigMap {home}/other was not applied by this collection"):
        Undo(cluster, home).change("v1", "ConfigMap", "other", lambda _document: None)
    assert not remembered(cluster, home)
