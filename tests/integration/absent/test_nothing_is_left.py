"""What stands on the cluster and on its node after the site was removed."""

from __future__ import annotations

import json

from ..conftest import Site

OURS = "app.kubernetes.io/managed-by=selfhosted.serverless"
NAMESPACES = {"default", "kube-node-lease", "kube-public", "kube-system"}


def test_no_object_of_ours_is_left(site: Site) -> None:
    kinds = site.kubectl("api-resources", "--verbs=list", "-o", "name").split()
    left = json.loads(site.kubectl("get", ",".join(kinds), "-A", "-l", OURS, "-o", "json"))["items"]
    assert not [f"{item['kind']} {item['metadata']['name']}" for item in left]


def test_only_the_namespaces_of_every_cluster_are_left(site: Site) -> None:
    assert {item["metadata"]["name"] for item in site.objects("namespaces")} == NAMESPACES


def test_no_definition_webhook_or_api_of_the_components_is_left(site: Site) -> None:
    kinds = "customresourcedefinitions,mutatingwebhookconfigurations,validatingwebhookconfigurations"
    assert not [item["metadata"]["name"] for item in site.objects(kinds)]
    assert "metrics.k8s.io" not in site.kubectl("api-versions")


def test_istios_certificates_are_not_left_in_every_namespace(site: Site) -> None:
    assert "istio-ca-root-cert" not in {item["metadata"]["name"] for item in site.objects("configmaps", "-A")}


def test_the_node_is_told_no_mirror_any_more(site: Site) -> None:
    assert not list((site.directory / "certs.d").rglob("hosts.toml"))
