"""Kinds of cluster and versions."""

from __future__ import annotations

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.cluster_facts import cluster_facts, older_than


def node(name: str = "node1", provider: str = "", ready: str = "True", **labels: str) -> dict:
    return {
        "metadata": {"name": name, "labels": labels},
        "spec": {"providerID": provider},
        "status": {
            "nodeInfo": {"architecture": "amd64", "containerRuntimeVersion": "containerd://2.4.2"},
            "conditions": [{"type": "Ready", "status": ready}],
        },
    }


@pytest.mark.parametrize(
    ("nodes", "kind"),
    [
        ([node("docker-desktop")], "docker-desktop"),
        ([node("desktop-control-plane")], "docker-desktop"),
        ([node("k3d-a-server-0", "k3s://x")], "k3d"),
        ([node("a", "k3s://a")], "k3s"),
        ([node("a", "kind://docker/kind/a")], "kind"),
        ([node("m", **{"minikube.k8s.io/name": "m"})], "minikube"),
        ([node("a", **{"node.openshift.io/os_id": "rhel"})], "openshift"),
        ([node("a", "aws:///eu/i-1")], "eks"),
        ([node()], "kubernetes"),
        ([], "kubernetes"),
    ],
)
def test_the_kind_of_cluster(nodes: list[dict], kind: str) -> None:
    assert cluster_facts("v1.36.3", nodes).kind == kind


def test_the_lab_is_known_where_nodes_say_nothing_else() -> None:
    assert cluster_facts("v1.36.3", [node()], is_lab=True).kind == "lab"
    assert cluster_facts("v1.36.3", [node("a", "kind://docker/kind/a")], is_lab=True).kind == "kind"


def test_nodes_are_counted_and_described() -> None:
    facts = cluster_facts("v1.36.3", [node("a"), node("b", ready="False")])
    assert (facts.nodes, facts.ready, facts.architectures) == (2, 1, ("amd64",))


@pytest.mark.parametrize(
    ("version", "minimum", "older"),
    [
        ("v1.33.1+k3s1", "1.34", True),
        ("v1.34.0-eks-1", "1.34", False),
        ("v1.36.3", "1.9", False),
        ("v2.0.0", "1.34", False),
    ],
)
def test_versions_are_compared_by_number(version: str, minimum: str, older: bool) -> None:
    assert older_than(version, minimum) is older


def test_a_version_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="'new' is not a Kubernetes version"):
        older_than("v1.36.3", "new")
