"""Applying releases to a real API server: what is stored, what is told, what check mode predicts."""

from __future__ import annotations

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.applier import ApplyOptions
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ReleaseError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.outcome import Outcome
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.release_absent import (
    AbsentOptions,
    remove_release,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.release_present import (
    PresentOptions,
    apply_release,
)


def namespace(name: str) -> dict:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def config_map(name: str, data: dict) -> dict:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def present(cluster: Cluster, release: str, documents: list[dict], check_mode: bool = False, **options) -> Outcome:
    apply = ApplyOptions(release=release, check_mode=check_mode, **options)
    return apply_release(
        cluster, documents, PresentOptions(apply, namespace=release), Deadline(60), lambda message: None
    )


def absent(cluster: Cluster, release: str, **options) -> Outcome:
    return remove_release(cluster, AbsentOptions(release, **options), Deadline(60), lambda message: None)


def names(refs: list) -> list[str]:
    return [str(ref) for ref in refs]


def test_create_again_change_again_delete_again(cluster: Cluster, name: str) -> None:
    first = [namespace(name), config_map("a", {"x": "1"})]
    second = [namespace(name), config_map("a", {"x": "2"})]

    for check_mode in (True, False):
        outcome = present(cluster, name, first, check_mode)
        assert names(outcome.created) == [f"Namespace {name}", f"ConfigMap {name}/a"]
    for check_mode in (True, False):
        outcome = present(cluster, name, first, check_mode)
        assert not outcome.changed and len(outcome.unchanged) == 2
    for check_mode in (True, False):
        outcome = present(cluster, name, second, check_mode)
        assert names(outcome.configured) == [f"ConfigMap {name}/a"]
    for check_mode in (True, False):
        assert not present(cluster, name, second, check_mode).changed
    assert cluster.get("v1", "ConfigMap", "a", name)["data"] == {"x": "2"}

    for check_mode in (True, False):
        outcome = absent(cluster, name, check_mode=check_mode)
        assert names(sorted(outcome.deleted)) == [f"ConfigMap {name}/a", f"Namespace {name}"]
    for check_mode in (True, False):
        assert not absent(cluster, name, check_mode=check_mode).changed
    assert cluster.get("v1", "Namespace", name) is None
    assert cluster.get("v1", "ConfigMap", f"release-{name}", "kube-system") is None


def test_unknown_field_is_refused_with_advice(cluster: Cluster, name: str) -> None:
    wrong = {**config_map("a", {}), "datta": {"x": "1"}}
    with pytest.raises(ReleaseError, match=rf"ConfigMap {name}/a.*datta.*Correct the field"):
        present(cluster, name, [namespace(name), wrong])
