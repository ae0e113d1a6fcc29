"""What a drill says when it cannot be made; on a real API server."""

from __future__ import annotations

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.application import (
    Application,
    Endpoints,
    find_application,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.catalogue import DRILLS
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.errors import DrillError
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.http_client import Address
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.preconditions import check
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from page_server import PageServer
from releases import namespace
from stand_in import install

PORT = 31999


def application(home: str, page: PageServer, variant: str) -> Application:
    return Application(variant, home, Address("127.0.0.1", page.port, "web"))


def test_a_drill_that_there_is_not_is_answered_with_all_there_are(cluster: Cluster, page: PageServer) -> None:
    with pytest.raises(DrillError) as told:
        check(cluster, application("x", page, "knative"), "earthquake")
    assert all(name in str(told.value) for name in DRILLS)


def test_no_application(cluster: Cluster, name: str) -> None:
    cluster.apply(namespace(name))
    with pytest.raises(DrillError, match=f"the to-do application is not in the namespace {name}"):
        find_application(cluster, name, Endpoints("127.0.0.1:80"))


def test_an_application_by_node_port_is_found(cluster: Cluster, name: str) -> None:
    install(cluster, name, PORT)
    try:
        found = find_application(cluster, name, Endpoints("127.0.0.1:30080", "127.0.0.9"))
    finally:
        cluster.delete("v1", "Service", "web", name)
    assert found == Application("kubernetes", name, Address("127.0.0.9", PORT, f"127.0.0.9:{PORT}"))


@pytest.mark.parametrize(
    ("drill", "variant", "wanted"),
    [
        ("scale_out", "knative", "kubernetes"),
        ("cold_start", "kubernetes", "knative"),
        ("traffic", "kubernetes", "istio"),
    ],
)
def test_the_wrong_variant(cluster: Cluster, page: PageServer, drill: str, variant: str, wanted: str) -> None:
    with pytest.raises(DrillError, match=f"in the namespace x stands {variant}.*-e todo_variant={wanted}"):
        check(cluster, application("x", page, variant), drill)


def test_no_autoscaler(cluster: Cluster, page: PageServer, name: str) -> None:
    with pytest.raises(DrillError, match=f"no HorizontalPodAutoscaler web in the namespace {name}"):
        check(cluster, application(name, page, "kubernetes"), "pod_loss")


def test_no_metrics(cluster: Cluster, page: PageServer, name: str) -> None:
    install(cluster, name, PORT)
    try:
        with pytest.raises(DrillError, match="metrics-server has no figures of the pods of web"):
            check(cluster, application(name, page, "kubernetes"), "scale_out")
    finally:
        cluster.delete("v1", "Service", "web", name)


def test_no_room_to_scale(cluster: Cluster, page: PageServer, name: str) -> None:
    install(cluster, name, PORT)
    cluster.delete("v1", "Service", "web", name)
    scaler = cluster.get("autoscaling/v2", "HorizontalPodAutoscaler", "web", name)
    scaler["spec"]["maxReplicas"] = 2
    path = f"/apis/autoscaling/v2/namespaces/{name}/horizontalpodautoscalers/web"
    cluster.transport.call("PUT", path, body=scaler)
    with pytest.raises(DrillError, match="goes from 1 to 2 pods; the drill needs room for 3"):
        check(cluster, application(name, page, "kubernetes"), "scale_out")


def test_no_shares(cluster: Cluster, page: PageServer, name: str) -> None:
    with pytest.raises(DrillError, match="user does not share its requests between v1 and v2"):
        check(cluster, application(name, page, "knative"), "traffic")
