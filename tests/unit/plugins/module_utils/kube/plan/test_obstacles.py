"""What stands in the way of a run is told of all its documents at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.obstacles import (
    Planned,
    ToApply,
    obstacles,
    to_apply,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.present.existing import ExistingPolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.rights.needed import rights_of_documents
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.rights.review import Right, lacking, told
from api_server import ApiServer
from limited_user import limited

CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "gadgets.example.org"},
    "spec": {
        "group": "example.org",
        "names": {"kind": "Gadget", "plural": "gadgets"},
        "scope": "Namespaced",
        "versions": [],
    },
}


def claim(name: str, storage_class: str | None) -> dict[str, Any]:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    if storage_class is not None:
        spec["storageClassName"] = storage_class
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def service(name: str, port: int) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "default"}
    spec = {"type": "NodePort", "selector": {"a": "b"}, "ports": [{"port": 80, "nodePort": port}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}


def found(cluster: Cluster, *documents: dict[str, Any]) -> list[str]:
    return obstacles(cluster, ToApply(list(documents), []), "kube-system", Deadline(30))


def test_who_may_do_all_lacks_nothing(cluster: Cluster) -> None:
    assert lacking(cluster, [Right("example.org", "gadgets", "fly")], Deadline(30)) == []
    assert found(cluster, service("a", 0)) == []


def test_what_is_lacking_is_told_at_once(cluster: Cluster, api_server: ApiServer, tmp_path: Path, name: str) -> None:
    rule = {"apiGroups": [""], "resources": ["services"], "verbs": ["get", "list"]}
    user = limited(cluster, api_server, tmp_path, name, rule)
    (said,) = found(user, service("a", 0), CRD)
    assert "create, patch services in default" in said and "get" not in said.partition("services in default")[0][-30:]
    assert "list nodes" in said and "create, delete, get, list, patch configmaps in kube-system" in said
    assert "customresourcedefinitions.apiextensions.k8s.io" in said and "docs/rights.md" in said


def test_who_has_each_right_lacks_nothing(cluster: Cluster, api_server: ApiServer, tmp_path: Path, name: str) -> None:
    rule = {"apiGroups": ["", "apps"], "resources": ["services", "deployments"], "verbs": ["get", "list"]}
    user = limited(cluster, api_server, tmp_path, name, rule)
    rights = [Right("", "services", "list"), Right("apps", "deployments", "get", "default")]
    assert lacking(user, rights, Deadline(30)) == []
    more = Right("apps", "deployments", "patch", "default")
    assert lacking(user, [*rights, more], Deadline(30)) == [more]


def test_rights_follow_the_documents(cluster: Cluster) -> None:
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "a"}, "rules": []}
    gadget = {"apiVersion": "example.org/v1", "kind": "Gadget", "metadata": {"name": "a", "namespace": "shop"}}
    unknown = {"apiVersion": "example.org/v1", "kind": "Riddle", "metadata": {"name": "a"}}
    rights = rights_of_documents([CRD, role, gadget, unknown], cluster.discovery)
    assert {right.resource for right in rights} == {"customresourcedefinitions", "clusterroles", "gadgets"}
    assert Right("example.org", "gadgets", "patch", "shop") in rights
    assert Right("rbac.authorization.k8s.io", "clusterroles", "escalate") in rights


def test_rights_are_told_by_resource() -> None:
    rights = [
        Right("apps", "deployments", "patch", "a"),
        Right("apps", "deployments", "get", "a"),
        Right("apps", "deployments", "patch", "b"),
        Right("apps", "deployments", "get", "b"),
        Right("apps", "deployments", "list"),
        Right("", "nodes", "list"),
    ]
    assert told(rights) == ["list nodes", "get, patch deployments.apps in a, b", "list deployments.apps"]


def test_a_node_port_of_others_is_told(cluster: Cluster, name: str) -> None:
    cluster.apply(service(name, 31777))
    (said,) = found(cluster, service("ours", 31777))
    assert said.startswith(f"node port 31777 is taken by Service default/{name}, which Service default/ours wants")
    assert found(cluster, service(name, 31777)) == []
    cluster.delete("v1", "Service", name, "default")


@pytest.mark.parametrize(
    ("storage_class", "words"),
    [("gone", "wants the storage class gone, which the cluster does not have"), (None, "no storage class"), ("", "")],
)
def test_a_storage_class_that_is_not_there_is_told(
    cluster: Cluster, name: str, storage_class: str | None, words: str
) -> None:
    said = found(cluster, claim(name, storage_class))
    assert len(said) == bool(words) and all(words in line for line in said)
    cluster.apply(claim(name, storage_class))
    assert found(cluster, claim(name, storage_class)) == [], "a claim that is there is as it is"
    cluster.delete("v1", "PersistentVolumeClaim", name, "default")


def test_a_default_class_will_do(cluster: Cluster, name: str) -> None:
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
    metadata = {"name": name, "annotations": annotations}
    provisioner = "example.org/none"
    cluster.apply(
        {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": metadata, "provisioner": provisioner}
    )
    assert found(cluster, claim(name, None), claim(f"{name}-2", name)) == []
    cluster.delete("storage.k8s.io/v1", "StorageClass", name)


@pytest.mark.parametrize(
    ("policy", "made_by_others", "applied"),
    [
        ("auto", True, ["beside"]),
        ("leave", True, ["beside"]),
        ("adopt", True, ["ours", "beside"]),
        ("auto", False, ["ours", "beside"]),
    ],
)
def test_what_others_have_installed_asks_for_nothing(
    cluster: Cluster, name: str, policy: str, made_by_others: bool, applied: list[str]
) -> None:
    mark = {"api_version": "v1", "kind": "ConfigMap", "namespace": "default", "name": name}
    if made_by_others:
        cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}})
    existing = ExistingPolicy(policy, marks=[mark], ours=[{"name": "beside"}])
    release = Planned(name, [service("ours", 0), service("beside", 0)], existing)
    found = to_apply(cluster, [release], "kube-system", Deadline(30)).documents
    assert [document["metadata"]["name"] for document in found] == applied


@pytest.mark.parametrize("is_there", [False, True])
def test_what_others_must_have_is_told_with_the_rest(cluster: Cluster, name: str, is_there: bool) -> None:
    need = {
        "api_version": "v1",
        "kind": "ConfigMap",
        "namespace": "default",
        "name": name,
        "what": "no package",
        "remedy": "Get it",
    }
    if is_there:
        cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}})
    release = Planned(name, [service("ours", 0)], ExistingPolicy(needs=[need]))
    planned = to_apply(cluster, [release], "kube-system", Deadline(30))
    assert obstacles(cluster, planned, "kube-system", Deadline(30)) == ([] if is_there else ["no package. Get it"])
