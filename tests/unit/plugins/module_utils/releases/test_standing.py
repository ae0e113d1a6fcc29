"""What stands on a real API server: by inventories and by what the objects say."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.inventory import Inventory
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.store import (
    read_inventories,
    write_inventory,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.releases.standing import (
    our_workloads,
    standing_versions,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.releases.steps import Standing
from releases import deployment, namespace, present


@pytest.fixture
def records(cluster: Cluster) -> Iterator[str]:
    """A namespace for inventories, empty in the beginning."""
    name = f"records-{uuid.uuid4().hex[:6]}"
    cluster.create(namespace(name))
    yield name
    cluster.delete("v1", "Namespace", name)


def standing_of(cluster: Cluster, records: str) -> dict[str, Standing]:
    recorded = read_inventories(cluster, records, Deadline(10))
    return standing_versions(recorded, our_workloads(cluster, recorded, Deadline(10)))


def noted(cluster: Cluster, records: str, **fields: str) -> None:
    write_inventory(cluster, Inventory(**{"release": "knative-serving", **fields}), records, Deadline(10))


@pytest.mark.parametrize(("fields", "wanted"), [
    ({"version": "1.22.1"}, Standing("1.22.1")),
    ({"version": "1.22.1", "applying": "1.22.1"}, Standing("1.22.1")),
    ({"version": "1.22.1", "applying": "1.23.0"}, Standing("1.22.1", "1.23.0")),
    ({"version": "1.23.0", "former": "1.22.1"}, Standing("1.22.1", "1.23.0")),
    ({"version": "1.23.0", "former": "1.22.1", "applying": "1.23.0"}, Standing("1.22.1", "1.23.0")),
    ({"version": "", "applying": "1.22.1"}, None),
])  # fmt: skip
def test_an_inventory_tells(cluster: Cluster, records: str, fields: dict[str, str], wanted: Standing | None) -> None:
    assert standing_of(cluster, records) == {}
    noted(cluster, records, **fields)
    assert standing_of(cluster, records).get("knative_serving") == wanted


def test_workloads_tell_too(cluster: Cluster, records: str) -> None:
    def labelled(name: str, **labels: str) -> dict[str, object]:
        item = deployment(name)
        return {**item, "metadata": {"name": name, "labels": labels}}

    version = "app.kubernetes.io/version"
    documents = [
        namespace("knative-serving"),
        labelled("controller", **{version: "1.23.0"}),
        labelled("net-istio-controller", **{version: "1.22.1"}),
        labelled("activator", **{version: "1.1.1"}),
    ]
    present(cluster, "knative-serving", documents, version="1.22.1", record_namespace=records)
    istiod = labelled("istiod", app="istiod", **{version: "1.0.0"})
    istiod["spec"]["template"]["spec"]["containers"][0]["image"] = "m.example/istio/pilot:1.30.5@sha256:" + "0" * 64
    old = labelled("istiod-1-29-2", app="istiod")
    old["spec"]["template"]["spec"]["containers"][0]["image"] = "docker.io/istio/pilot:1.29.2-distroless"
    documents = [namespace("istio-system"), istiod, old]
    present(cluster, "istio", documents, namespace="istio-system", version="1.30.5", record_namespace=records)
    assert standing_of(cluster, records) == {
        "knative_serving": Standing("1.22.1", seen=("1.23.0",)),
        "knative_net_istio": Standing("1.22.1"),
        "istio": Standing("1.30.5", seen=("1.29.2-distroless",)),
    }
    for name in ("knative-serving", "istio-system"):
        cluster.delete("v1", "Namespace", name)
