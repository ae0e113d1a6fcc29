"""Objects that a webhook must have seen, on a real API server with a mutating policy in the webhook's place."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.apply.readmission import readmit
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ReleaseError
from releases import config_map, names, namespace, present


def test_what_no_webhook_completes_is_named_and_not_stored_anew(cluster: Cluster, name: str) -> None:
    present(cluster, name, [namespace(name), config_map("a", {"x": "1"})])
    before = cluster.get("v1", "ConfigMap", "a", name)
    expression = f"metadata.namespace == '{name}' && data.x"
    assert readmit(cluster, "v1", "ConfigMap", expression, True, Deadline(20)) == ([], [])
    done = readmit(cluster, "v1", "ConfigMap", expression, False, Deadline(2))
    assert done.completed == [] and names(done.lacking) == [f"ConfigMap {name}/a"]
    assert cluster.get("v1", "ConfigMap", "a", name) == before


@pytest.fixture
def defaulting(cluster: Cluster, name: str) -> Iterator[None]:
    """A policy in the place of Knative's webhook: ConfigMaps of the namespace get a class when they are updated."""
    patch = 'Object{metadata: Object.metadata{annotations: {"class": "default"}}}'
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["configmaps"]}
    api, where = "admissionregistration.k8s.io/v1", {"matchLabels": {"kubernetes.io/metadata.name": name}}
    policy = {
        "apiVersion": api,
        "kind": "MutatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [rule], "namespaceSelector": where},
            "mutations": [{"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": patch}}],
            "reinvocationPolicy": "Never",
        },
    }
    binding = {
        "apiVersion": api,
        "kind": "MutatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name},
    }
    for document in (policy, binding):
        cluster.apply(document, manager="test")
    yield
    for document in (binding, policy):
        cluster.delete(api, document["kind"], name)


def test_what_a_webhook_completes_is_told_and_stored(cluster: Cluster, name: str, defaulting: None) -> None:
    present(cluster, name, [namespace(name), config_map("old", {"x": "1"}), config_map("fine", {"x": "1"})])
    expression = f"metadata.namespace == '{name}' && metadata.name == 'old' && !(metadata.annotations.class)"
    # The server takes a new policy into account after a moment: what is not completed at first is tried again.
    done = readmit(cluster, "v1", "ConfigMap", expression, False, Deadline(20))
    assert names(done.completed) == [f"ConfigMap {name}/old"]
    assert done.lacking == []
    assert cluster.get("v1", "ConfigMap", "old", name)["metadata"]["annotations"] == {"class": "default"}
    assert readmit(cluster, "v1", "ConfigMap", expression, False, Deadline(20)) == ([], [])


def test_check_mode_tells_what_a_webhook_would_complete(cluster: Cluster, name: str, defaulting: None) -> None:
    present(cluster, name, [namespace(name), config_map("old", {"x": "1"})])
    expression = f"metadata.namespace == '{name}' && !(metadata.annotations.class) && data.x"
    limit, would = Deadline(20), []
    while not would and not limit.passed:
        would = readmit(cluster, "v1", "ConfigMap", expression, True, limit).completed
        time.sleep(0.2)
    assert names(would) == [f"ConfigMap {name}/old"]
    assert cluster.get("v1", "ConfigMap", "old", name)["metadata"].get("annotations") is None, "check mode wrote"


def test_what_goes_away_needs_nothing(cluster: Cluster, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    present(cluster, name, [namespace(name), config_map("held", {"x": "1"}), config_map("gone", {"x": "1"})])
    held = cluster.get("v1", "ConfigMap", "held", name)
    held["metadata"] = {"name": "held", "namespace": name, "finalizers": ["tests.example.org/hold"]}
    cluster.apply(held, manager="test", force=True)
    cluster.delete("v1", "ConfigMap", "held", name)
    listed = cluster.list("v1", "ConfigMap", name)
    monkeypatch.setattr(cluster, "list", lambda *args, **options: listed)
    cluster.delete("v1", "ConfigMap", "gone", name)
    assert readmit(cluster, "v1", "ConfigMap", "data.x", False, Deadline(20)) == ([], [])
    cluster.apply({**held, "metadata": {**held["metadata"], "finalizers": []}}, manager="test", force=True)


def test_an_expression_that_cannot_be_read_is_refused(cluster: Cluster) -> None:
    with pytest.raises(ReleaseError, match="no valid JMESPath"):
        readmit(cluster, "v1", "ConfigMap", "!(", False, Deadline(20))


def test_a_kind_that_is_not_served_is_nothing_to_do(cluster: Cluster) -> None:
    assert readmit(cluster, "nowhere.example.org/v1", "Thing", "!x", False, Deadline(20)) == ([], [])
