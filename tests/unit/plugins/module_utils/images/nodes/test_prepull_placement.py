"""Where the pods of prepull are meant for: a real DaemonSet controller decides over nodes of all kinds."""

from __future__ import annotations

import time
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.prepull import (
    mounted_waits,
    prepull_documents,
    told_waits,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster

SECONDS = 60


def node(name: str, ready: str = "True", system: str = "linux", taint: str = "", **more: Any) -> dict[str, Any]:
    info = {"architecture": "amd64", "operatingSystem": system, "containerRuntimeVersion": "containerd://2.4.2"}
    metadata = more.pop("metadata", {})
    labels = {"kubernetes.io/os": system, **metadata.pop("labels", {})}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels, **metadata},
        "spec": {"taints": [{"key": taint, "effect": "NoSchedule"}] if taint else [], **more.pop("spec", {})},
        "status": {
            "nodeInfo": {**info, **more},
            "conditions": [{"type": "Ready", "status": ready}],
            "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
            "capacity": {"cpu": "4", "memory": "8Gi", "pods": "110"},
        },
    }


def nodes(prefix: str) -> tuple[list[dict[str, Any]], list[str]]:
    """Return nodes of all kinds, and the names of those that pods are meant for."""
    meant = [
        node(f"{prefix}-linux"),
        node(f"{prefix}-tainted", taint="dedicated"),
        node(f"{prefix}-cordoned", spec={"unschedulable": True}),
        node(f"{prefix}-down", "Unknown"),
    ]
    others = [
        node(f"{prefix}-windows", system="windows"),
        node(f"{prefix}-aci", metadata={"labels": {"type": "virtual-kubelet"}}, taint="virtual-kubelet.io/provider"),
        node(f"{prefix}-fargate", metadata={"labels": {"eks.amazonaws.com/compute-type": "fargate"}}),
        node(f"{prefix}-silent", architecture="", containerRuntimeVersion=""),
        node(f"{prefix}-kwok", metadata={"annotations": {"kwok.x-k8s.io/node": "fake"}}),
    ]
    return [*meant, *others], [item["metadata"]["name"] for item in meant]


@pytest.mark.parametrize("by", ["volumes", "containers"])
def test_a_real_controller_sends_pods_to_the_nodes_meant_alone(cluster: Cluster, name: str, by: str) -> None:
    all_nodes, meant = nodes(name)
    call = cluster.transport.call
    for item in all_nodes:
        call("POST", "/api/v1/nodes", body=item)
    space, daemon = prepull_documents(["docker.io/library/a:1"], by, "pause:1", name, False, all_nodes)
    # Another test's nodes are none of ours; the kinds are told apart beside that.
    daemon["spec"]["template"]["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
        "nodeSelectorTerms"
    ][0]["matchExpressions"].append({"key": "kubernetes.io/hostname", "operator": "DoesNotExist"})
    try:
        call("POST", "/api/v1/namespaces", body=space)
        call("POST", f"/apis/apps/v1/namespaces/{name}/daemonsets", body=daemon)
        placed: set[str] = set()
        limit = time.monotonic() + SECONDS
        while placed != set(meant) and time.monotonic() < limit:
            pods = cluster.list("v1", "Pod", namespace=name)
            placed = {_wanted_node(pod) for pod in pods} & {item["metadata"]["name"] for item in all_nodes}
            time.sleep(0.2)
        assert placed == set(meant)
    finally:
        call("DELETE", f"/api/v1/namespaces/{name}")
        for item in all_nodes:
            call("DELETE", f"/api/v1/nodes/{item['metadata']['name']}")


def _wanted_node(pod: dict[str, Any]) -> str:
    """The node that the controller made a pod for, which stands in its affinity until a scheduler binds it."""
    affinity = pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    fields = [field for term in affinity["nodeSelectorTerms"] for field in term.get("matchFields") or []]
    return next(field["values"][0] for field in fields if field["operator"] == "In")


def test_only_the_node_that_is_down_is_not_waited_for() -> None:
    all_nodes, meant = nodes("n")
    documents = prepull_documents(["docker.io/library/a:1"], "volumes", "pause:1", "space", False, all_nodes)
    assert len(mounted_waits(documents, all_nodes)) == 1
    assert [item["name"] for item in told_waits(all_nodes, ["a:1"])] == meant[:-1]
