"""What is found out about a cluster, asked of a real API server."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.cluster_facts import cluster_facts
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.platform.survey import (
    Survey,
    Wanted,
    on_record,
    rows_of_nodes,
    survey_of,
    survey_of_metrics,
)
from api_server import ApiServer

MERGE = "application/merge-patch+json"
HOME = "kube-system"


def apply(cluster: Cluster, api_version: str, kind: str, name: str, home: str = "", **fields: Any) -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": home} if home else {}), **fields.pop("metadata", {})}
    item = {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}
    return cluster.apply(item, manager="someone", force=True)


def set_status(cluster: Cluster, item: dict[str, Any], status: dict[str, Any]) -> None:
    metadata = item["metadata"]
    path = cluster.resource(item["apiVersion"], item["kind"]).path(metadata.get("namespace"), metadata["name"])
    cluster.transport.call("PATCH", f"{path}/status", body={"status": status}, content_type=MERGE)


def surveyed(cluster: Cluster, wanted: Wanted | None = None) -> tuple[dict[str, tuple[str, str]], Survey]:
    """The values and how they are known, by fact."""
    found = survey_of(cluster, wanted or Wanted(gateway=(HOME, "gateway")), Deadline(30))
    return {row.fact: (row.value, row.how) for row in found.rows}, found


@pytest.fixture
def k3s(cluster: Cluster) -> Iterator[Cluster]:
    """One node of k3s, whose kubelet nobody answers for."""
    made = apply(cluster, "v1", "Node", "survey", spec={"providerID": "k3s://survey"})
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 1}},
        "conditions": [{"type": "Ready", "status": "True"}],
        "nodeInfo": dict.fromkeys(("machineID", "systemUUID", "bootID", "kernelVersion", "kubeProxyVersion"), "")
        | {"architecture": "amd64", "operatingSystem": "linux", "osImage": "Debian"}
        | {"kubeletVersion": "v1.36.3+k3s1", "containerRuntimeVersion": "containerd://2.1.5-k3s1"},
    }
    set_status(cluster, made, status)
    yield cluster
    cluster.delete("v1", "Node", "survey")


def test_a_cluster_that_has_nothing(k3s: Cluster) -> None:
    rows, found = surveyed(k3s)
    assert rows["metrics"] == ("nobody serves them yet", "there is no APIService v1beta1.metrics.k8s.io")
    assert rows["kubelet TLS"][0] == "verified by metrics-server"
    assert rows["kubelet TLS"][1].startswith("no kubelet could be asked: ") and not found.insecure
    assert rows["gateway"] == (
        "load balancer, else what answers",
        "there is no Service kube-system/gateway yet; the report tells by which way it is reached",
    )
    assert rows["gateway's ports"][0] == "80, 443 and 15021 are free"
    assert rows["storage class"] == (
        "no default one",
        "the cluster has none. The to-dos' volume needs todo_database_storage_class",
    )


def test_what_the_inventory_says_is_not_asked(k3s: Cluster) -> None:
    told = Wanted(gateway=(HOME, "gateway"), told="a.example:80", balanced=False, insecure="true")
    rows, found = surveyed(k3s, told)
    assert rows["gateway"] == ("a.example:80", "serverless_gateway_address")
    assert rows["kubelet TLS"] == (
        "not verified (--kubelet-insecure-tls)",
        "metrics_server_kubelet_insecure_tls: true",
    )
    assert found.insecure and "gateway's ports" not in rows
    assert not surveyed(k3s, replace(told, insecure="false"))[1].insecure
    assert "kubelet TLS" not in surveyed(k3s, replace(told, metrics=False))[0]
    assert surveyed(k3s, replace(told, told=""))[0]["gateway"][0] == "node port, else what answers"
    without = surveyed(k3s, Wanted(gateway=(HOME, "gateway"), istio=False))[0]
    assert "gateway" not in without and "gateway's ports" not in without


def test_metrics_of_somebody_else_are_left_alone(k3s: Cluster) -> None:
    spec = {
        "group": "metrics.k8s.io",
        "version": "v1beta1",
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
        "insecureSkipTLSVerify": True,
        "service": {"namespace": "monitoring", "name": "prometheus-adapter"},
    }
    apply(k3s, "apiregistration.k8s.io/v1", "APIService", "v1beta1.metrics.k8s.io", spec=spec)
    try:
        rows, _found = surveyed(k3s)
        assert rows["metrics"] == (
            "served by monitoring/prometheus-adapter; left alone",
            "APIService v1beta1.metrics.k8s.io, which is not ours",
        )
        assert "kubelet TLS" not in rows
        alone = survey_of_metrics(k3s, Wanted(), Deadline(10)).rows
        assert [row.fact for row in alone] == ["metrics"]
        rows, _found = surveyed(k3s, Wanted(uses_existing=False))
        assert rows["metrics"][0] == "served by monitoring/prometheus-adapter" and "kubelet TLS" in rows
        assert surveyed(k3s, Wanted(ours=True))[0]["metrics"][0] == "metrics-server of this collection"
    finally:
        k3s.delete("apiregistration.k8s.io/v1", "APIService", "v1beta1.metrics.k8s.io")


def test_traefik_of_k3s_is_found_before_the_gateway_is_made(k3s: Cluster) -> None:
    ports = [{"containerPort": port, "hostPort": port} for port in (80, 443)]
    labels = {"app": "svclb"}
    prefix = "svccontroller.k3s.cattle.io"
    apply(
        k3s,
        "apps/v1",
        "DaemonSet",
        "svclb-traefik-1",
        HOME,
        metadata={"labels": {f"{prefix}/svcnamespace": HOME, f"{prefix}/svcname": "traefik"}},
        spec={
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {"containers": [{"name": "lb", "image": "lb:1", "ports": ports}]},
            },
        },
    )
    try:
        # The controller counts the nodes that it is to run on
        limit = time.monotonic() + 30
        while time.monotonic() < limit:
            stored = k3s.get("apps/v1", "DaemonSet", "svclb-traefik-1", HOME) or {}
            if (stored.get("status") or {}).get("desiredNumberScheduled"):
                break
            time.sleep(0.1)
        rows, found = surveyed(k3s)
        assert rows["gateway's ports"][0] == "Service kube-system/traefik has 80 and 443"
        assert [holder.is_traefik for holder in found.holders] == [True]
    finally:
        k3s.delete("apps/v1", "DaemonSet", "svclb-traefik-1", HOME)


def test_a_gateway_that_is_there_is_told_with_its_rung(k3s: Cluster) -> None:
    spec = {"type": "ClusterIP", "ports": [{"name": "http2", "port": 80}]}
    apply(k3s, "v1", "Service", "gateway", HOME, spec=spec)
    try:
        value, how = surveyed(k3s)[0]["gateway"]
        assert value == "port-forward"
        assert how.startswith("port-forward, asked from here; not by load balancer: the Service is of type ClusterIP")
    finally:
        k3s.delete("v1", "Service", "gateway", HOME)


def test_storage_classes(k3s: Cluster) -> None:
    default = {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
    for name, metadata in (("fast", {}), ("plain", default)):
        apply(k3s, "storage.k8s.io/v1", "StorageClass", name, metadata=metadata, provisioner=f"{name}.example")
    try:
        assert surveyed(k3s)[0]["storage class"] == ("plain", "the cluster's default, made by plain.example")
        named = surveyed(k3s, Wanted(storage_class="fast"))[0]["storage class"]
        assert named == ("fast", "todo_database_storage_class, made by fast.example")
        gone = surveyed(k3s, Wanted(storage_class="gone"))[0]["storage class"]
        assert gone == ("gone is not there", "there are: fast, plain")
    finally:
        for name in ("fast", "plain"):
            k3s.delete("storage.k8s.io/v1", "StorageClass", name)


def test_who_may_not_look_is_told_so(k3s: Cluster, api_server: ApiServer, tmp_path: Any) -> None:
    """Jane may read nodes and no more."""
    kubectl = [str(api_server.binaries["kubectl"]), "--kubeconfig", str(api_server.kubeconfig)]
    rules = [("create", "clusterrole", "survey-nodes", "--verb=get,list", "--resource=nodes")]
    rules += [("create", "clusterrolebinding", "survey-nodes", "--clusterrole=survey-nodes", "--user=jane")]
    for rule in rules:
        subprocess.run([*kubectl, *rule], check=True, capture_output=True)
    text = api_server.kubeconfig.read_text()
    start = text.index("users:")
    (tmp_path / "jane").write_text(f"{text[:start]}users:\n- name: admin\n  user:\n    token: {api_server.token}\n")
    try:
        rows, found = surveyed(Cluster.connect("test", str(tmp_path / "jane")))
    finally:
        for kind in ("clusterrole", "clusterrolebinding"):
            subprocess.run([*kubectl, "delete", kind, "survey-nodes"], check=True, capture_output=True)
    for fact in ("metrics", "gateway", "gateway's ports", "storage class"):
        assert rows[fact] == ("not known", "this user may not look")
    assert not found.insecure


def deployment(*arguments: str) -> dict[str, Any]:
    containers = [{"name": "metrics-server", "args": list(arguments)}]
    metadata = {"namespace": HOME, "name": "metrics-server"}
    return {"metadata": metadata, "spec": {"template": {"spec": {"containers": containers}}}}


def test_what_an_earlier_run_found_stays() -> None:
    other = {"metadata": {"namespace": "istio-system", "name": "istiod"}}
    assert on_record([other], "auto") is None
    accepting, insisting = deployment("--kubelet-insecure-tls"), deployment("--secure-port=10250")
    for item, said, insecure in (
        (accepting, "auto", True),
        (insisting, "auto", False),
        (accepting, "false", False),
        (insisting, "true", True),
    ):
        found = on_record([other, item], said)
        assert found and found.insecure is insecure
        assert [row.fact for row in found.rows] == ["metrics", "kubelet TLS"]


def test_rows_of_nodes() -> None:
    info = {"architecture": "arm64", "containerRuntimeVersion": "containerd://2.1.5"}
    ready = {"nodeInfo": info, "conditions": [{"type": "Ready", "status": "True"}]}
    nodes = [{"metadata": {"name": "a"}, "status": ready}, {"metadata": {"name": "b"}, "status": {}}]
    facts = cluster_facts("v1.36.3+k3s1", nodes)
    rows = rows_of_nodes(facts, "labels of node a", ("references", "no way is known"))
    assert [(row.fact, row.value) for row in rows] == [
        ("cluster", "kubernetes"),
        ("Kubernetes", "v1.36.3+k3s1"),
        ("nodes", "2, 1 of them Ready and of Linux"),
        ("image delivery", "references"),
    ]
    assert rows[2].how == "arm64, containerd://2.1.5"
