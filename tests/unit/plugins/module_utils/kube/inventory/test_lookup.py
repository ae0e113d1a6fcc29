"""What belongs to a release is found by its labels on a cluster where kinds of others cannot be read."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ApiError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory import lookup
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.lookup import find_labelled
from openshift_api import await_served
from releases import Document, absent, config_map, definition, document, namespace, present
from standing import within


@pytest.fixture
def broken(cluster: Cluster, name: str) -> Iterator[Document]:
    """The CRD of a kind whose only object must be converted by a webhook that is not there, as after an uninstall."""
    kind = definition(f"{name}.example", "Widget")
    [form] = kind["spec"]["versions"]
    kind["spec"]["versions"] = [{**form, "name": "v1alpha1"}]
    converted = copy.deepcopy(kind)
    converted["spec"]["versions"] = [{**form, "name": "v1alpha1", "storage": False}, {**form, "name": "v1"}]
    nowhere = {"conversionReviewVersions": ["v1"], "clientConfig": {"url": "https://127.0.0.1:1/convert"}}
    converted["spec"]["conversion"] = {"strategy": "Webhook", "webhook": nowhere}
    cluster.apply(kind, manager="somebody")
    await_served(cluster, [kind])
    widget = within(document(f"{name}.example/v1alpha1", "Widget", "old", spec={}), "default")
    cluster.apply(widget, manager="somebody")
    cluster.apply(converted, manager="somebody")
    await_served(cluster, [converted])
    yield converted
    cluster.apply({**converted, "spec": {**converted["spec"], "conversion": {"strategy": "None"}}}, manager="somebody")
    cluster.delete("apiextensions.k8s.io/v1", "CustomResourceDefinition", kind["metadata"]["name"])


def test_a_kind_of_others_that_cannot_be_read_is_named(
    cluster: Cluster, name: str, broken: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookup, "LIST_SECONDS", 2.0)
    present(cluster, name, [namespace(name), config_map("a", {})])
    cluster.delete("v1", "ConfigMap", f"release-{name}", "kube-system")
    cluster.discovery.refresh(Deadline(10))
    found, unreadable = find_labelled(cluster, name, Deadline(60))
    assert {entry.ref.name for entry in found} == {name, "a"}
    assert any("Widget of" in line and "conversion webhook" in line for line in unreadable), unreadable
    with pytest.raises(ApiError) as refused:
        cluster.list(f"{name}.example/v1", "Widget", deadline=Deadline(1))
    assert refused.value.is_webhook_failure
    plan = absent(cluster, name)
    assert any("objects of this kind cannot be found: Widget of" in warning for warning in plan.warnings)
    assert cluster.get("v1", "ConfigMap", "a", name) is None
