"""A version in which objects are stored stays in its CRD until they are stored in another one."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ReleaseError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.present.stored_versions import (
    unmigrated_definitions,
)
from releases import definition, document, namespace, present

Document = dict[str, Any]


def with_versions(item: Document, **versions: bool) -> Document:
    """The CRD with these versions, of which the one that is True is written."""
    item = copy.deepcopy(item)
    [form] = item["spec"]["versions"]
    item["spec"]["versions"] = [{**form, "name": name, "storage": storage} for name, storage in versions.items()]
    return item


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_stored_version_is_not_dropped(cluster: Cluster, name: str, check_mode: bool) -> None:
    kind = definition(f"{name}.example", "Widget")
    group = kind["spec"]["group"]
    old, both = with_versions(kind, v1alpha1=True), with_versions(kind, v1alpha1=False, v1=True)
    new = with_versions(kind, v1=True)
    widget = document(f"{group}/v1alpha1", "Widget", "w", spec={"size": 1})
    present(cluster, name, [old, namespace(name), widget], version="1.1.0")
    with pytest.raises(ReleaseError, match="stored as v1alpha1, which this version drops.*A version between the two"):
        present(cluster, name, [new, namespace(name)], check_mode, version="1.3.0")
    outcome = present(cluster, name, [both, namespace(name), widget], version="1.2.0")
    assert unmigrated_definitions(outcome.plan.steps) == [f"widgets.{group}"]
    with pytest.raises(ReleaseError) as refused:
        present(cluster, name, [new, namespace(name)], check_mode, version="1.3.0")
    said = str(refused.value)
    assert f"CustomResourceDefinition widgets.{group}: objects of its kind may be stored as v1alpha1" in said
    assert "status.storedVersions: v1alpha1, v1; written now: v1" in said
    assert "Run once more with the release that stands (1.2.0), whose storage migration" in said
    assert said.count(f"widgets.{group}") == 1, "the server's own refusal is not told again"
    _migrate(cluster, f"widgets.{group}", "v1", name, "w")
    outcome = present(cluster, name, [new, namespace(name)], check_mode, version="1.3.0")
    assert any("serves v1alpha1 no more" in warning for warning in outcome.warnings)
    assert unmigrated_definitions(outcome.plan.steps) == []


def _migrate(cluster: Cluster, definition_name: str, version: str, place: str, name: str) -> None:
    """Write the object as it is, which stores it in that version, and say that all are, as a migrator does."""
    group = definition_name.partition(".")[2]
    widget = cluster.resource(f"{group}/{version}", "Widget").path(place, name)
    cluster.transport.call("PUT", widget, body=cluster.transport.call("GET", widget))
    status = cluster.resource("apiextensions.k8s.io/v1", "CustomResourceDefinition").path(None, definition_name)
    patch = {"status": {"storedVersions": [version]}}
    cluster.transport.call("PATCH", f"{status}/status", body=patch, content_type="application/merge-patch+json")
