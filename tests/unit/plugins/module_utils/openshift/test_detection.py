"""What is OpenShift, and in which version."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.detection import (
    CLUSTER_VERSION,
    CONSTRAINTS,
    ROUTE,
    Kind,
    OpenShift,
    detect,
    openshift_of,
    version_of,
)
from api_server import ApiServer
from openshift_api import VERSION, OpenShiftApi


@pytest.mark.parametrize(
    ("served", "found"),
    [
        ([CLUSTER_VERSION, ROUTE, CONSTRAINTS], OpenShift("openshift", True)),
        ([CLUSTER_VERSION], OpenShift("openshift", False)),
        ([ROUTE, CONSTRAINTS], OpenShift("microshift", True)),
        ([ROUTE], OpenShift("", True)),
        ([CONSTRAINTS], OpenShift("", False)),
        ([], OpenShift("", False)),
        ([("config.openshift.io/v1", "ImageTagMirrorSet")], OpenShift("", False)),
    ],
)
def test_the_kinds_that_are_served_tell_it(served: list[Kind], found: OpenShift) -> None:
    assert detect(served) == found


@pytest.mark.parametrize(
    ("status", "version"),
    [
        ({"desired": {"version": "4.20.3"}, "history": [{"state": "Completed", "version": "4.20.3"}]}, "4.20.3"),
        (
            {
                "desired": {"version": "4.21.0"},
                "history": [{"state": "Partial", "version": "4.21.0"}, {"state": "Completed", "version": "4.20.3"}],
            },
            "4.20.3",
        ),
        ({"desired": {"version": "4.21.0"}, "history": [{"state": "Partial", "version": "4.21.0"}]}, "4.21.0"),
        ({"desired": {"version": "4.21.0"}, "history": None}, "4.21.0"),
        ({}, ""),
    ],
)
def test_the_version_is_the_last_that_was_completed(status: dict, version: str) -> None:
    assert version_of({"status": status}) == version


def test_no_cluster_version_is_no_version() -> None:
    assert version_of(None) == ""


def test_openshift_is_told_with_its_version(openshift: OpenShiftApi) -> None:
    assert openshift_of(openshift.administrator(), Deadline(20)) == OpenShift("openshift", True, VERSION)


def test_whoever_may_not_read_the_version_is_told_of_openshift_all_the_same(
    openshift: OpenShiftApi, tmp_path: Path
) -> None:
    config = openshift.user_kubeconfig(tmp_path / "kubeconfig", token=openshift.oauth.give("somebody"))
    assert openshift_of(Cluster.connect("test", str(config)), Deadline(20)) == OpenShift("openshift", True, "")


def test_microshift_is_told_apart(microshift: OpenShiftApi) -> None:
    cluster = microshift.administrator()
    assert openshift_of(cluster, Deadline(20)) == OpenShift("microshift", True, "")
    version = {"apiVersion": "v1", "kind": "ConfigMap", "data": {"version": "4.20.1"}}
    cluster.apply({**version, "metadata": {"name": "microshift-version", "namespace": "kube-public"}})
    assert openshift_of(cluster, Deadline(20)) == OpenShift("microshift", True, "4.20.1")


def test_another_cluster_is_neither(api_server: ApiServer, cluster: Cluster) -> None:
    assert openshift_of(cluster, Deadline(20)) == OpenShift()


def test_openshift_is_told_while_the_server_of_a_group_is_away(openshift: OpenShiftApi) -> None:
    cluster = openshift.administrator()
    cluster.apply(
        {
            "apiVersion": "apiregistration.k8s.io/v1",
            "kind": "APIService",
            "metadata": {"name": "v1.route.openshift.io"},
            "spec": {
                "group": "route.openshift.io",
                "version": "v1",
                "groupPriorityMinimum": 9900,
                "versionPriority": 15,
                "service": {"name": "api", "namespace": "openshift-apiserver"},
                "insecureSkipTLSVerify": True,
            },
        },
        force=True,
    )
    try:
        assert openshift_of(openshift.administrator(), Deadline(20)) == OpenShift("openshift", True, VERSION)
    finally:
        cluster.delete("apiregistration.k8s.io/v1", "APIService", "v1.route.openshift.io")
