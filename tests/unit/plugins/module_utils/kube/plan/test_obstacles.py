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
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.present.node_ports import (
    range_of_node_ports,
    told_range,
)
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


def api_server_pod(name: str, command: list[str]) -> dict[str, Any]:
    """As kubeadm has it on its nodes."""
    metadata = {"name": name, "namespace": "kube-system", "labels": {"component": "kube-apiserver"}}
    spec = {
        "automountServiceAccountToken": False,
        "containers": [{"name": "kube-apiserver", "image": "registry.k8s.io/kube-apiserver:v1", "command": command}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def found(cluster: Cluster, *documents: dict[str, Any]) -> list[str]:
    return obstacles(cluster, ToApply(list(documents), []), "kube-system", Deadline(30))[0]


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


def test_a_node_port_out_of_range_is_told_as_far_as_it_is_known(cluster: Cluster, name: str) -> None:
    """A dry run takes any port; the API server would refuse it in the middle of the run."""
    wanted = ToApply([service("ours", 80)], [])
    stopped, (warned,) = obstacles(cluster, wanted, "kube-system", Deadline(30))
    assert stopped == [] and "Service default/ours: node port 80 is outside of 30000-32767, the usual range" in warned
    cluster.apply(api_server_pod(name, ["kube-apiserver", "--secure-port=6443"]))
    (stopped,), warned = obstacles(cluster, wanted, "kube-system", Deadline(30))
    assert warned == [] and stopped.startswith(
        "node port 80 is outside of 30000-32767, the cluster's range, which Service default/ours wants. Choose one of"
    )
    cluster.delete("v1", "Pod", name, "kube-system")
    cluster.apply(api_server_pod(f"{name}-2", ["kube-apiserver", "--service-node-port-range=80-32767"]))
    assert obstacles(cluster, wanted, "kube-system", Deadline(30)) == ([], [])
    cluster.delete("v1", "Pod", f"{name}-2", "kube-system")


def test_who_may_not_see_the_api_servers_pods_is_warned(
    cluster: Cluster, api_server: ApiServer, tmp_path: Path, name: str
) -> None:
    user = limited(
        cluster, api_server, tmp_path, name, {"apiGroups": [""], "resources": ["services"], "verbs": ["list"]}
    )
    assert range_of_node_ports(user, [service("ours", 80)], Deadline(30)) is None
    assert range_of_node_ports(user, [service("ours", 30080)], Deadline(30)) is None, "and nobody is asked"


def test_a_range_may_stand_in_a_word_of_its_own() -> None:
    assert told_range([api_server_pod("x", ["kube-apiserver", "--service-node-port-range", "80-90"])]) == range(80, 91)


def pods(*ranges: str) -> list[dict[str, Any]]:
    return [
        api_server_pod("x", ["kube-apiserver", *([f"--service-node-port-range={one}"] if one else [])])
        for one in ranges
    ]


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        (("",), range(30000, 32768)),
        (("80-32767",), range(80, 32768)),
        (("30000+100",), range(30000, 30101)),
        (("8080",), range(8080, 8081)),
        (("", "30000-32767"), range(30000, 32768)),
        (("", "80-90"), None),  # an upgrade on its way: either may answer
        (("all",), None),
        (("90-80",), None),
        ((), None),
    ],
)
def test_a_range_is_read_as_kubernetes_writes_it(said: tuple[str, ...], meant: range | None) -> None:
    assert told_range(pods(*said)) == meant


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
    assert obstacles(cluster, planned, "kube-system", Deadline(30))[0] == ([] if is_there else ["no package. Get it"])
