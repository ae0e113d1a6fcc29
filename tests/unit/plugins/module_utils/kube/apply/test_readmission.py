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


def test_what_needs_nothing_is_not_stored_anew(cluster: Cluster, name: str) -> None:
    present(cluster, name, [namespace(name), config_map("a", {"x": "1"})])
    before = cluster.get("v1", "ConfigMap", "a", name)
    expression = f"metadata.namespace == '{name}' && data.x"
    for check_mode in (True, False):
        assert readmit(cluster, "v1", "ConfigMap", expression, check_mode, Deadline(20)) == []
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
    limit = Deadline(20)  # the server takes a new policy into account after a moment
    while not readmit(cluster, "v1", "ConfigMap", expression, True, limit) and not limit.passed:
        time.sleep(0.2)
    assert cluster.get("v1", "ConfigMap", "old", name)["metadata"].get("annotations") is None, "check mode wrote"
    done = readmit(cluster, "v1", "ConfigMap", expression, False, limit)
    assert names(done) == [f"ConfigMap {name}/old"]
    assert cluster.get("v1", "ConfigMap", "old", name)["metadata"]["annotations"] == {"class": "default"}
    assert readmit(cluster, "v1", "ConfigMap", expression, False, limit) == []


def test_an_expression_that_cannot_be_read_is_refused(cluster: Cluster) -> None:
    with pytest.raises(ReleaseError, match="no valid JMESPath"):
        readmit(cluster, "v1", "ConfigMap", "!(", False, Deadline(20))


def test_a_kind_that_is_not_served_is_nothing_to_do(cluster: Cluster) -> None:
    assert readmit(cluster, "nowhere.example.org/v1", "Thing", "!x", False, Deadline(20)) == []
