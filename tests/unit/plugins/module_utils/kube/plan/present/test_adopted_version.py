"""Somebody else's installation is adopted from one minor before at the most."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ReleaseError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.present.existing import ExistingPolicy
from releases import deployment, names, namespace, present
from standing import within

Document = dict[str, Any]


def installed(name: str, label: str, image: str) -> Document:
    item = deployment("controller", image=image)
    labels = {"app.kubernetes.io/version": label} if label else {}
    return within(item, name, labels=labels)


@pytest.mark.parametrize(("label", "image", "why"), [
    ("1.22.1", "gcr.io/controller@sha256:" + "0" * 64, ""),
    ("1.23.0", "", ""),
    ("v1.20.0", "", "1.20.0, and 1.23.0 cannot take its place: it is 3 minors on"),
    ("1.24.0", "", "it is older"),
    ("1.0.0", "docker.io/istio/pilot:1.22.3", ""),
    ("1.0.0", "m.example:5000/istio/pilot:1.19.3@sha256:" + "0" * 64, "it is 4 minors on"),
    ("", "example.org/controller:latest", ""),
])  # fmt: skip
def test_it_is_an_upgrade_like_any_other(cluster: Cluster, name: str, label: str, image: str, why: str) -> None:
    cluster.apply(namespace(name), manager="someone")
    cluster.apply(installed(name, label, image or "example.org/app:x"), manager="someone")
    mark = {"api_version": "apps/v1", "kind": "Deployment", "namespace": name, "name": "controller"}
    options: dict[str, Any] = {
        "version": "1.23.0",
        "minor_steps": True,
        "force_conflicts": True,
        "role": "knative",
        "existing": ExistingPolicy("adopt", [mark], role="knative"),
    }
    documents = [installed(name, "1.23.0", "example.org/app:1.23.0")]
    if why:
        said = f"Deployment {name}/controller: it is of version .*{why}.*knative_existing: leave"
        with pytest.raises(ReleaseError, match=said):
            present(cluster, name, documents, **options)
        return
    assert names(present(cluster, name, documents, **options).configured) == [f"Deployment {name}/controller"]
    assert not present(cluster, name, documents, **options).changed
