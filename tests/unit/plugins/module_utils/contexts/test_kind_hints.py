"""What a kubeconfig tells of the kind of a cluster."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.contexts.kind_hints import kind_hint

MINIKUBE = {"name": "cluster_info", "extension": {"provider": "minikube.sigs.k8s.io", "version": "v1.37.0"}}


@pytest.mark.parametrize(
    ("context", "cluster_name", "cluster", "kind"),
    [
        ("docker-desktop", "docker-desktop", {"server": "https://kubernetes.docker.internal:6443"}, "docker-desktop"),
        ("docker-for-desktop", "docker-for-desktop-cluster", {}, "docker-desktop"),
        ("minikube", "minikube", {"extensions": [MINIKUBE]}, "minikube"),
        # A profile has the name that its owner gives it
        ("kind-of-mine", "kind-of-mine", {"extensions": [MINIKUBE]}, "minikube"),
        ("lab", "lab", {"extensions": [{"name": "lab", "extension": {"provider": "selfhosted.serverless"}}]}, "lab"),
        ("kind-a", "kind-a", {"server": "https://127.0.0.1:40123"}, "kind"),
        ("renamed", "kind-a", {"server": "https://127.0.0.1:40123"}, "kind"),
        ("k3d-a", "k3d-a", {}, "k3d"),
        ("rancher-desktop", "rancher-desktop", {}, "rancher-desktop"),
        ("microk8s", "microk8s-cluster", {}, "microk8s"),
        ("arn:aws-cn:eks:cn-north-1:1:cluster/a b", "x", {}, "eks"),
        ("mine", "mine", {"server": "https://0123.gr7.eu-west-1.eks.amazonaws.com"}, "eks"),
        ("gke_p_europe-west1_a", "gke_p_europe-west1_a", {"server": "https://1.2.3.4"}, "gke"),
        ("mine", "mine", {"server": "https://a-dns-1.hcp.westeurope.azmk8s.io:443"}, "aks"),
        ("shop/api-ocp-example:6443/dev", "api-ocp-example:6443", {}, "openshift"),
        ("default", "default", {"server": "https://127.0.0.1:6443"}, ""),
        ("a/b/c", "a", {"server": "not a server", "extensions": [1, {"extension": "x"}]}, ""),
        ("a", "", {}, ""),
    ],
)
def test_kinds(context: str, cluster_name: str, cluster: dict[str, Any], kind: str) -> None:
    assert kind_hint(context, cluster_name, cluster) == kind
