"""Istio by the operator of OpenShift Service Mesh 3, on a real API server with OLM's kinds and those of sail.py."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "support"), str(HERE.parent / "plugins" / "support")]

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster  # noqa: E402
from olm import install_olm  # noqa: E402
from openshift_api import OpenShiftApi, running_openshift  # noqa: E402
from releases import config_map, deployment, document, namespace  # noqa: E402
from role_hosts import Ended, run_roles  # noqa: E402
from sail import CNI, DEFAULT_VERSION, ISTIO, ISTIOD, MESH, REVISION, ServiceMesh, serve  # noqa: E402
from standing import inventory_of, until, within  # noqa: E402

WANTED = {
    "role": "istio",
    "istio_provider": "operator",
    "istio_operator_channel": "stable-3.3",
    "istio_wait_timeout": 90,
}
GATEWAY = ("apps/v1", "Deployment", "istio-ingressgateway", "istio-system")
SERVICE = ("v1", "Service", *GATEWAY[2:])
OPERATOR_GROUP = within(document("operators.coreos.com/v1", "OperatorGroup", "global-operators", spec={}), MESH.place)
# As istioctl answers to what the role asks of it
ISTIOCTL = """#!/bin/sh
test "$1" = version && echo "client version: 1.30.5" && exit
printf "apiVersion: v1\\nkind: ConfigMap\\nmetadata: {name: istio, namespace: istio-system}\\n"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenShiftApi]:
    with running_openshift(tmp_path_factory.mktemp("olm")) as server:
        cluster = install_olm(server, MESH, ["stable", "stable-3.3"])
        cluster.apply(namespace(MESH.place))
        cluster.apply(OPERATOR_GROUP)
        yield server


@pytest.fixture
def cluster(server: OpenShiftApi) -> Cluster:
    return server.administrator()


def run(server: OpenShiftApi, folder: Path, *arguments: str, **options: Any) -> Ended:
    return run_roles(folder, server.kubeconfig, {"here": {**WANTED, **options}}, *arguments)["here"]


def untouched(cluster: Cluster) -> bool:
    places = [cluster.get("v1", "Namespace", name) for name in ("istio-system", "istio-cni")]
    return [*places, cluster.get(*MESH.subscription)] == [None] * 3


@pytest.mark.parametrize("options", [{"istio_operator_channel": "none"}, {"istio_operator_source": "mirrored"}])
def test_a_package_that_no_catalog_has_is_told_before_any_change(
    server: OpenShiftApi, cluster: Cluster, tmp_path: Path, options: dict[str, str]
) -> None:
    for arguments in (["--check"], []):
        fault = run(server, tmp_path, *arguments, **options).fault
        assert "nothing was changed" in fault
        wanted = {"istio_operator_channel": "stable-3.3", "istio_operator_source": "redhat-operators", **options}
        assert f"the channel {wanted['istio_operator_channel']} of the catalog " in fault
        assert wanted["istio_operator_source"] in fault and "istio_provider: manifests" in fault
    assert untouched(cluster)


def test_a_namespace_without_an_operator_group_for_all_is_told_before_any_change(
    server: OpenShiftApi, cluster: Cluster, tmp_path: Path
) -> None:
    def fault(*arguments: str) -> str:
        return run(server, tmp_path, *arguments).fault

    try:
        cluster.apply({**OPERATOR_GROUP, "spec": {"targetNamespaces": ["shop"]}})
        assert "openshift-operators has none that does" in fault("--check")
        cluster.delete("operators.coreos.com/v1", "OperatorGroup", "global-operators", MESH.place)
        for arguments in (["--check"], []):
            told = fault(*arguments)
            assert "openshift-operators has none that does" in told and "nothing was changed" in told
        assert untouched(cluster)
    finally:
        cluster.apply(OPERATOR_GROUP)


def test_what_keeps_olm_from_it_is_told(server: OpenShiftApi, cluster: Cluster, tmp_path: Path) -> None:
    with ServiceMesh(server, unresolved="constraints not satisfiable: no operators found"):
        fault = run(server, tmp_path, istio_wait_timeout=10).fault
    assert "Subscription openshift-operators/servicemeshoperator3" in fault
    assert "ResolutionFailed: constraints not satisfiable: no operators found" in fault
    assert run(server, tmp_path, istio_state="absent").changed
    assert untouched(cluster) and cluster.get("v1", "Namespace", MESH.place)


def test_from_nothing_to_nothing(server: OpenShiftApi, cluster: Cluster, tmp_path: Path) -> None:
    with ServiceMesh(server) as mesh:
        rehearsed = run(server, tmp_path, "--check")
        assert (rehearsed.fault, rehearsed.changed > 0, untouched(cluster)) == ("", True, True)

        mesh.failing = 'version "v1.20.0" is end-of-life'
        assert mesh.failing in run(server, tmp_path, istio_wait_timeout=20).fault
        assert cluster.get(*GATEWAY) is None, "its pods would get no proxy"
        mesh.failing = ""

        wanted = {
            "istio_mesh_config": {"accessLogFile": "/dev/stdout"},
            "istio_values": {"pilot": {"traceSampling": 1}},
            "istio_gateway_http_nodeport": 30080,
            "istio_injection_namespaces": ["shop"],
        }
        installed = run(server, tmp_path, **wanted)
        assert (installed.fault, installed.changed > 0) == ("", True), installed.printed
        subscription = cluster.get(*MESH.subscription)["spec"]
        assert (subscription["channel"], subscription["source"]) == ("stable-3.3", "redhat-operators")
        istio = cluster.get(*ISTIO)["spec"]
        assert (istio["namespace"], istio["version"], istio["updateStrategy"]) == (
            "istio-system", DEFAULT_VERSION, {"type": "InPlace"},
        )  # fmt: skip
        assert istio["values"]["meshConfig"] == {"accessLogFile": "/dev/stdout"}
        assert istio["values"]["pilot"]["traceSampling"] == 1 and istio["values"]["pilot"]["autoscaleEnabled"] is False
        assert cluster.get(*CNI)["spec"]["namespace"] == "istio-cni"
        assert cluster.get("v1", "Namespace", "shop")["metadata"]["labels"]["istio-injection"] == "enabled"
        service = cluster.get(*SERVICE)["spec"]
        ports = {port["name"]: (port["port"], port["targetPort"]) for port in service["ports"]}
        assert ports == {"status-port": (15021, 15021), "http2": (80, 8080), "https": (443, 8443)}
        assert (service["type"], service["selector"]) == ("LoadBalancer", {"istio": "ingressgateway"})
        assert [port["nodePort"] for port in service["ports"] if port["name"] == "http2"] == [30080]
        pod = cluster.get(*GATEWAY)["spec"]["template"]
        assert pod["metadata"]["annotations"] == {"inject.istio.io/templates": "gateway"}
        assert {"istio": "ingressgateway", "sidecar.istio.io/inject": "true"}.items() <= pod["metadata"][
            "labels"
        ].items()
        [container] = pod["spec"]["containers"]
        assert (container["name"], container["image"]) == ("istio-proxy", "auto"), "the injector says the image"

        again = run(server, tmp_path, **wanted)
        assert (again.fault, again.changed) == ("", 0), again.printed
        assert cluster.get(*ISTIOD), "the operator's is not ours to prune"

        newer = run(server, tmp_path, **{**wanted, "istio_operator_version": "v1.30-latest"})
        assert (newer.fault, newer.changed) == ("", 1)
        assert [cluster.get(*one)["spec"]["version"] for one in (ISTIO, CNI)] == ["v1.30-latest"] * 2

        program = tmp_path / "istioctl"
        program.write_text(ISTIOCTL)
        program.chmod(0o755)
        istioctl = {"path": str(program), "version": "1.30.5"}
        other = run(server, tmp_path, istio_provider="manifests", istio_version="1.30.5", istio_istioctl=istioctl)
        assert (other.fault, other.changed, cluster.get("v1", "ConfigMap", "istio", "istio-system")) == ("", 0, None)
        refused = run(server, tmp_path, istio_provider="manifests", istio_istioctl=istioctl, istio_existing="adopt")
        assert "Istio default" in refused.fault and "would undo what adopting does" in refused.fault

        root = within(config_map("istio-ca-root-cert", {"root-cert.pem": "x"}), "default")
        root["metadata"]["labels"] = {"istio.io/config": "true"}
        cluster.apply(root, manager="pilot-discovery")
        cluster.apply(
            within(document("networking.istio.io/v1", "VirtualService", "web"), "default"), manager="somebody"
        )
        cluster.apply(document(*REVISION[:2], "theirs"), manager="somebody")
        refused = run(server, tmp_path, istio_state="absent")
        assert "VirtualService default/web: Istio carries it out" in refused.fault
        assert "IstioRevision theirs: the operator installs and removes it" in refused.fault
        assert "default: the operator" not in refused.fault and "nothing was changed" in refused.fault
        assert cluster.get(*GATEWAY) and cluster.get(*ISTIO) and cluster.get(*MESH.csv)
        cluster.delete("networking.istio.io/v1", "VirtualService", "web", "default")
        cluster.delete(*REVISION[:2], "theirs")

        rehearsed = run(server, tmp_path, "--check", istio_state="absent")
        assert (rehearsed.fault, bool(cluster.get(*ISTIO))) == ("", True)
        assert run(server, tmp_path, istio_state="absent").fault == ""
        assert untouched(cluster) and cluster.get("v1", "Namespace", MESH.place)
        assert [cluster.get(*one) for one in (MESH.csv, ISTIO, CNI, REVISION, GATEWAY, SERVICE)] == [None] * 6
        assert cluster.get("v1", "ConfigMap", "istio-ca-root-cert", "default") is None
        again = run(server, tmp_path, istio_state="absent")
        assert (again.fault, again.changed) == ("", 0)


def test_what_somebody_else_has_is_used_and_stays(server: OpenShiftApi, cluster: Cluster, tmp_path: Path) -> None:
    spec = {"name": "servicemeshoperator3", "source": "mirrored", "sourceNamespace": "x"}
    cluster.apply(within(document(*MESH.subscription[:3], spec=spec), MESH.place), manager="somebody")
    for name in ("istio-system", "istio-cni"):
        cluster.apply(namespace(name), manager="somebody")
    with ServiceMesh(server):
        # Their operator is installed by now, or the run says that it does not serve
        for _turn in range(2):
            ended = run(server, tmp_path, istio_existing="adopt")
            assert "does not serve" in ended.fault or not ended.fault
        assert ended.fault == "" and cluster.get(*ISTIO)
        assert cluster.get(*MESH.subscription)["spec"]["source"] == "mirrored"
        assert run(server, tmp_path, istio_state="absent").fault == ""
        assert [cluster.get(*one) for one in (ISTIO, CNI, GATEWAY)] == [None] * 3
        assert cluster.get(*MESH.subscription) and cluster.get(*MESH.csv)
        assert cluster.get("v1", "Namespace", "istio-system")

        # A mesh of theirs gets our gateway, and nothing else; theirs stays
        cluster.apply(document(*ISTIO, spec={"namespace": "istio-system"}), manager="somebody")
        for _turn in range(2):
            ended = run(server, tmp_path, istio_existing="adopt")
            assert "does not serve" in ended.fault or not ended.fault
        assert ended.fault == "" and cluster.get(*GATEWAY) and cluster.get(*CNI) is None
        assert "updateStrategy" not in str(cluster.get(*ISTIO)["metadata"]["managedFields"])
        assert run(server, tmp_path, istio_state="absent").fault == ""
        assert cluster.get(*GATEWAY) is None and cluster.get(*ISTIO) and cluster.get(*ISTIOD)
        cluster.delete(*ISTIO, propagation="Foreground")
        until(lambda: cluster.get(*ISTIO) is None and cluster.get(*ISTIOD) is None, 60)


def test_what_the_other_provider_has_installed_is_used_as_it_is(
    server: OpenShiftApi, cluster: Cluster, tmp_path: Path
) -> None:
    for item in (namespace("istio-system"), within(deployment("istiod", replicas=0), "istio-system")):
        item["metadata"].setdefault("labels", {"app": "istiod"})
        cluster.apply(item, manager="somebody")
    with ServiceMesh(server):
        fault = run(server, tmp_path).fault
        assert "Deployment istio-system/istiod" in fault and "nothing was changed" in fault
        assert "it does not serve" in fault
        serve(cluster, "istiod", "istio-ingressgateway")
        ended = run(server, tmp_path)
        assert ended.fault == "" and cluster.get(*ISTIO) is None and cluster.get(*GATEWAY) is None
        assert inventory_of(cluster, "istio-operator-mesh") is None
