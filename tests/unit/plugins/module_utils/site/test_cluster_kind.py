"""Kinds of cluster by what their nodes say, the names of nodes last."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.cluster_kind import (
    Container,
    has_no_machine,
    kind_container,
    kind_of,
    told_by,
)


def node(name: str, provider: str = "", labels: dict[str, str] | None = None, **info: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": labels or {}},
        "spec": {"providerID": provider},
        "status": {"nodeInfo": info, "conditions": [{"type": "Ready", "status": "True"}]},
    }


LINUXKIT = "6.10.14-linuxkit"
KWOK = {"metadata": {"name": "docker-desktop", "labels": {"type": "kwok"}}}


@pytest.mark.parametrize(
    ("nodes", "kind"),
    [
        # Windows calls its machines DESKTOP-4F7K2QM.
        ([node("desktop-4f7k2qm", "k3s://desktop-4f7k2qm", osImage="Ubuntu 24.04")], "k3s"),
        ([node("desktop-4f7k2qm", containerRuntimeVersion="containerd://2.1.5-k3s1")], "k3s"),
        ([node("docker-desktop", "k3s://docker-desktop")], "k3s"),
        ([node("docker-desktop", kubeletVersion="v1.36.3", osImage="Debian GNU/Linux 13")], "kubernetes"),
        ([node("desktop-4f7k2qm", kubeletVersion="v1.36.3", osImage="Ubuntu 24.04")], "kubernetes"),
        ([node("desktop-4f7k2qm")], "kubernetes"),
        ([node("anything", osImage="Docker Desktop", containerRuntimeVersion="docker://28.5.1")], "docker-desktop"),
        ([node("desktop-worker", "kind://docker/desktop/desktop-worker", kernelVersion=LINUXKIT)], "docker-desktop"),
        ([node("desktop-worker", "kind://docker/desktop/desktop-worker", kernelVersion="6.12.1-amd64")], "kind"),
        ([node("k3d-dev-agent-1", "k3s://k3d-dev-agent-1", osImage="K3s v1.34.1+k3s1")], "k3d"),
        ([node("k3d-dev-server-0", "k3s://k3d-dev-server-0", osImage="Ubuntu 24.04")], "k3s"),
        ([node("k3d-box", "k3s://k3d-box", osImage="Ubuntu 24.04")], "k3s"),
        ([node("k3d-dev-server-0", "kind://docker/k3d-dev/k3d-dev-server-0")], "kind"),
        ([node("lima-rancher-desktop", "k3s://lima-rancher-desktop", osImage="Alpine Linux v3.22")], "rancher-desktop"),
        ([node("laptop", "k3s://laptop", osImage="Rancher Desktop WSL Distribution")], "rancher-desktop"),
        ([node("desktop-control-plane", labels={"minikube.k8s.io/name": "desktop"})], "minikube"),
        ([node("laptop", labels={"microk8s.io/cluster": "true"})], "microk8s"),
        ([node("ip-10-0-0-1", "aws:///eu-west-1a/i-1", containerRuntimeVersion="containerd://2.1.5-k3s1")], "k3s"),
        ([node("ip-10-0-0-1", "aws:///eu-west-1a/i-1", labels={"node.openshift.io/os_id": "rhel"})], "openshift"),
        ([node("ip-10-0-0-1", "aws:///eu-west-1a/i-1", kubeletVersion="v1.34.2-eks-ecaa3a6")], "eks"),
        ([node("ip-10-0-0-1", "aws:///eu-west-1a/i-1", kubeletVersion="v1.36.3")], "kubernetes"),
        ([node("talos-1", "azure:///subscriptions/x", kubeletVersion="v1.36.3", osImage="Talos")], "kubernetes"),
        ([node("vm-1", "gce://p/z/vm-1", kubeletVersion="v1.36.3")], "kubernetes"),
        ([node("gke-a-1", "gce://p/z/gke-a-1", labels={"cloud.google.com/gke-nodepool": "a"})], "gke"),
        ([node("aks-a-1", "azure:///subscriptions/x", labels={"kubernetes.azure.com/cluster": "MC_a"})], "aks"),
        ([node("r", "rke2://r", kubeletVersion="v1.34.1+rke2r1")], "rke2"),
        ([node("orbstack", kubeletVersion="v1.36.1+orb1", osImage="OrbStack")], "orbstack"),
        ([node("cn-hangzhou.10.0.0.1", "cn-hangzhou.i-1", kubeletVersion="v1.36.1-aliyun.1")], "ack"),
        ([node("10.0.1.2", "qcloud:///800002/ins-1", kubeletVersion="v1.34.1-tke.3")], "tke"),
        ([node("pool-1", "digitalocean://1", labels={"doks.digitalocean.com/node-pool": "a"})], "doks"),
        ([KWOK, node("kind-worker", "kind://podman/kind/kind-worker")], "kind"),
        ([KWOK, node("plain", kubeletVersion="v1.36.3", osImage="Debian GNU/Linux 13")], "kubernetes"),
    ],
)
def test_what_nodes_say_comes_before_their_names(nodes: list[dict[str, Any]], kind: str) -> None:
    assert kind_of(nodes) == kind


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ([KWOK, node("w", "kind://docker/a/w")], "node w has the provider ID kind://docker/a/w"),
        # A cloud's machine may be a node of anything
        ([node("n", "aws:///a/i-1", kubeletVersion="v1.34.2-eks-e")], "node n says kubeletVersion v1.34.2-eks-e"),
        ([node("n", "aws:///a/i-1", labels={"node.openshift.io/os_id": "rhel"})], "labels of node n"),
        ([node("g", "gce://p/z/g", labels={"cloud.google.com/gke-nodepool": "a"})], "labels of node g"),
        ([node("anything", osImage="Docker Desktop")], "node anything says osImage Docker Desktop"),
        ([node("n", "aws:///a/i-1")], "node n has the provider ID aws:///a/i-1"),
        ([node("t", "qcloud:///8/ins-1", kubeletVersion="v1.34.1-tke.3")], "node t says kubeletVersion v1.34.1-tke.3"),
        ([node("docker-desktop")], "the name of node docker-desktop"),
        ([node("n", kubeletVersion="v1.36.3")], "no node bears the mark of a known program or provider"),
        ([], "no node bears the mark of a known program or provider"),
    ],
)
def test_how_the_kind_is_known(nodes: list[dict[str, Any]], said: str) -> None:
    assert told_by(nodes) == said


@pytest.mark.parametrize(
    ("provider", "container"),
    [
        ("kind://docker/kind/w", Container("docker", "kind", "w")),
        ("kind://podman/a/a-worker", Container("podman", "a", "a-worker")),
        ("kind://nerdctl/a/w", Container("nerdctl", "a", "w")),
        ("", Container("docker", "", "w")),
    ],
)
def test_the_container_that_a_node_of_kind_is(provider: str, container: Container) -> None:
    assert kind_container(node("w", provider)) == container


@pytest.mark.parametrize(
    ("name", "profile", "bare"),
    [("minikube", "minikube", False), ("mini-m02", "mini", False), ("a.b", "a.b", False)]
    + [("laptop", "minikube", True), ("minikube-laptop", "minikube", True)],
)
def test_minikube_without_a_machine(name: str, profile: str, bare: bool) -> None:
    assert has_no_machine(node(name, labels={"minikube.k8s.io/name": profile})) is bare
