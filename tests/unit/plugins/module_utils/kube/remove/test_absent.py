"""Removing releases from a real API server: order, adoption, shared namespaces, what others have."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ReleaseError
from api_server import ApiServer
from limited_user import limited
from releases import absent, config_map, deleted, deployment, document, kept, names, namespace, present, returned


def in_namespace(item: dict, name: str) -> dict:
    return {**item, "metadata": {**item["metadata"], "namespace": name}}


def test_pods_of_workloads_are_gone_too(cluster: Cluster, name: str) -> None:
    cluster.apply(namespace(name), manager="someone")
    present(cluster, name, [deployment("app", replicas=1)])
    absent(cluster, name)
    assert cluster.list("apps/v1", "ReplicaSet", name) == []
    assert cluster.list("v1", "Pod", name) == []


def test_adopted_objects_are_given_back(cluster: Cluster, name: str) -> None:
    cluster.apply(namespace(name), manager="someone")
    theirs = in_namespace(config_map("a", {"theirs": "1"}), name)
    cluster.apply(theirs, manager="someone")
    documents = [namespace(name), config_map("a", {"ours": "2"}), config_map("b", {})]
    outcome = present(cluster, name, documents)
    assert names(outcome.configured) == [f"ConfigMap {name}/a", f"Namespace {name}"]
    assert not present(cluster, name, documents).changed

    plan = absent(cluster, name)
    assert deleted(plan) == [f"ConfigMap {name}/b"]
    assert returned(plan) == [f"ConfigMap {name}/a", f"Namespace {name}"]
    live = cluster.get("v1", "ConfigMap", "a", name)
    assert live["data"] == {"theirs": "1"} and "labels" not in live["metadata"]
    assert "annotations" not in live["metadata"]
    assert not absent(cluster, name).changes


def test_a_namespace_goes_with_the_last_release_in_it(cluster: Cluster, name: str) -> None:
    first, second = name, f"{name}-2"
    labelled = namespace(name)
    labelled["metadata"]["labels"] = {"second": "yes"}
    present(cluster, first, [namespace(name), config_map("a", {})])
    present(cluster, second, [labelled, config_map("b", {})], namespace=name)
    assert not present(cluster, first, [namespace(name), config_map("a", {})]).changed
    assert not present(cluster, second, [labelled, config_map("b", {})], namespace=name).changed

    plan = absent(cluster, first)
    assert deleted(plan) == [f"ConfigMap {name}/a"] and returned(plan) == [f"Namespace {name}"]
    assert cluster.get("v1", "Namespace", name)["metadata"]["labels"]["second"] == "yes"
    assert not present(cluster, second, [labelled, config_map("b", {})], namespace=name).changed
    labelled["metadata"]["labels"] = {"second": "no"}
    assert names(present(cluster, second, [labelled, config_map("b", {})], namespace=name).configured)
    assert names(present(cluster, first, [labelled], namespace=name).unchanged) == []
    absent(cluster, first)
    assert f"Namespace {name}" in deleted(absent(cluster, second))
    assert cluster.get("v1", "Namespace", name) is None


def test_the_second_release_may_also_go_first(cluster: Cluster, name: str) -> None:
    present(cluster, name, [namespace(name)])
    present(cluster, f"{name}-2", [namespace(name), config_map("b", {})], namespace=name)
    assert deleted(absent(cluster, f"{name}-2")) == [f"ConfigMap {name}/b"]
    assert deleted(absent(cluster, name)) == [f"Namespace {name}"]


def test_what_shall_be_kept_is_kept(cluster: Cluster, name: str) -> None:
    cluster.apply(namespace(name), manager="someone")
    present(cluster, name, [config_map("data-1", {}), config_map("a", {})])
    plan = absent(cluster, name, keep=[{"kind": "ConfigMap", "name": "data-*"}])
    assert kept(plan) == [f"ConfigMap {name}/data-1"]
    assert not absent(cluster, name, keep=[{"kind": "ConfigMap", "name": "data-*"}]).changes
    assert deleted(absent(cluster, name)) == [f"ConfigMap {name}/data-1"]


def test_a_namespace_with_something_kept_is_kept(cluster: Cluster, name: str) -> None:
    present(cluster, name, [namespace(name), config_map("data-1", {}), config_map("a", {})])
    plan = absent(cluster, name, keep=[{"kind": "ConfigMap", "name": "data-*"}])
    assert kept(plan) == [f"ConfigMap {name}/data-1", f"Namespace {name}"]
    assert cluster.get("v1", "ConfigMap", "data-1", name)
    assert not present(cluster, name, [namespace(name), config_map("data-1", {})]).changed
    assert len(deleted(absent(cluster, name))) == 2


def test_without_a_record_the_labels_tell(cluster: Cluster, name: str) -> None:
    service = document("v1", "Service", "s", spec={"ports": [{"port": 80}], "selector": {"app": "app"}})
    present(cluster, name, [namespace(name), config_map("a", {}), deployment("app", replicas=0), service])
    copies = Deadline(10)
    while not cluster.list("v1", "Endpoints", name) and not copies.passed:
        time.sleep(0.1)  # the controllers give the service's labels to what they make of it
    cluster.delete("v1", "ConfigMap", f"release-{name}", "kube-system")
    assert deleted(absent(cluster, name)) == [
        f"ConfigMap {name}/a",
        f"Deployment {name}/app",
        f"Namespace {name}",
        f"Service {name}/s",
    ]


def test_what_holds_an_object_is_named(cluster: Cluster, name: str) -> None:
    held = config_map("a", {})
    held["metadata"]["finalizers"] = ["example.org/hold"]
    present(cluster, name, [namespace(name), held])
    with pytest.raises(ReleaseError, match=rf"not gone after 2 s:\nConfigMap {name}/a: held by example.org/hold"):
        absent(cluster, name, seconds=2)
    patch = {"metadata": {"finalizers": None}}
    cluster.transport.call(
        "PATCH",
        f"/api/v1/namespaces/{name}/configmaps/a",
        body=patch,
        content_type="application/merge-patch+json",
    )
    absent(cluster, name)
    assert cluster.get("v1", "Namespace", name) is None


def test_kinds_of_which_a_removal_may_not_see_others_objects_are_told_at_once(
    cluster: Cluster, api_server: ApiServer, tmp_path: Path, name: str
) -> None:
    plurals = [f"{name.replace('-', '')}{end}" for end in ("as", "bs")]
    present(cluster, name, [namespace(name), config_map("a", {}), *map(definition, plurals)])
    look = {"apiGroups": ["*"], "resources": ["configmaps", "namespaces", "nodes", "secrets"], "verbs": ["get", "list"]}
    user = limited(cluster, api_server, tmp_path, name, look)
    with pytest.raises(ReleaseError) as caught:
        absent(user, name)
    lines = "".join(f"\n  list {plural}.example.org" for plural in plurals)
    assert str(caught.value).startswith(f"nothing was changed: the user of this context may not:{lines}\n")
    assert cluster.get("v1", "ConfigMap", "a", name)
    absent(cluster, name)


def definition(plural: str) -> dict:
    """A CRD."""
    schema = {"openAPIV3Schema": {"type": "object"}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.example.org"},
        "spec": {
            "group": "example.org",
            "names": {"kind": plural.capitalize(), "plural": plural},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }
