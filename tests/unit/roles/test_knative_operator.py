"""Knative by the operator of OpenShift Serverless, on a real API server with OLM's and the operator's own kinds."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "support"), str(HERE.parent / "plugins" / "support")]

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster  # noqa: E402
from olm import CSV, LABEL, PLACE, SUBSCRIPTION, Olm, install  # noqa: E402
from openshift_api import OpenShiftApi, await_served, running_openshift  # noqa: E402
from releases import definition, document, namespace  # noqa: E402
from role_hosts import Ended, run_roles  # noqa: E402
from standing import until, within  # noqa: E402

WANTED = {"role": "knative", "knative_provider": "operator", "knative_operator_channel": "stable-1.37"}
SERVING = ("operator.knative.dev/v1beta1", "KnativeServing", "knative-serving", "knative-serving")
EVENTING = ("operator.knative.dev/v1beta1", "KnativeEventing", "knative-eventing", "knative-eventing")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenShiftApi]:
    with running_openshift(tmp_path_factory.mktemp("olm")) as server:
        install(server)
        yield server


@pytest.fixture
def cluster(server: OpenShiftApi) -> Cluster:
    return server.administrator()


def run(server: OpenShiftApi, folder: Path, *arguments: str, **options: Any) -> Ended:
    return run_roles(folder, server.kubeconfig, {"here": {**WANTED, **options}}, *arguments)["here"]


def place(cluster: Cluster) -> dict[str, Any] | None:
    return cluster.get("v1", "Namespace", PLACE)


@pytest.mark.parametrize("options", [{"knative_operator_channel": "none"}, {"knative_operator_source": "mirrored"}])
def test_a_package_that_no_catalog_has_is_told_before_any_change(
    server: OpenShiftApi, cluster: Cluster, tmp_path: Path, options: dict[str, str]
) -> None:
    for arguments in (["--check"], []):
        fault = run(server, tmp_path, *arguments, **options).fault
        assert "nothing was changed" in fault
        wanted = {"knative_operator_channel": "stable-1.37", "knative_operator_source": "redhat-operators", **options}
        assert f"the channel {wanted['knative_operator_channel']} of the catalog " in fault
        assert wanted["knative_operator_source"] in fault and "knative_provider: manifests" in fault
    assert place(cluster) is None


def test_an_operator_group_of_somebody_else_is_told_before_any_change(
    server: OpenShiftApi, cluster: Cluster, tmp_path: Path
) -> None:
    theirs = within(document("operators.coreos.com/v1", "OperatorGroup", "openshift-serverless-x7k", spec={}), PLACE)
    cluster.apply(namespace(PLACE), manager="somebody")
    cluster.apply(theirs, manager="somebody")
    for arguments in (["--check"], []):
        fault = run(server, tmp_path, *arguments).fault
        assert "somebody has made an OperatorGroup in openshift-serverless" in fault and "nothing was changed" in fault
    assert cluster.get(*SUBSCRIPTION) is None
    cluster.delete("v1", "Namespace", PLACE)
    until(lambda: place(cluster) is None, 60)


def test_what_keeps_olm_from_it_is_told(server: OpenShiftApi, cluster: Cluster, tmp_path: Path) -> None:
    with Olm(cluster, unresolved="constraints not satisfiable: no operators found"):
        fault = run(server, tmp_path, knative_wait_timeout=20).fault
    assert "Subscription openshift-serverless/serverless-operator" in fault
    assert "ResolutionFailed: constraints not satisfiable: no operators found" in fault
    with Olm(cluster) as olm:
        olm.unapproved = "install-7gq2x"
        fault = run(server, tmp_path, knative_wait_timeout=10).fault
    approval = """install-7gq2x --type merge -p '{"spec":{"approved":true}}'"""
    assert f"kubectl patch installplan -n openshift-serverless {approval}" in fault
    assert "installPlanApproval: Manual" in fault
    assert run(server, tmp_path, knative_state="absent").changed
    assert place(cluster) is None


def test_from_nothing_to_nothing(server: OpenShiftApi, cluster: Cluster, tmp_path: Path) -> None:
    with Olm(cluster) as olm:
        rehearsed = run(server, tmp_path, "--check")
        assert (rehearsed.fault, rehearsed.changed > 0, place(cluster)) == ("", True, None)

        olm.failing = "Install failed with message: the webhook is not ready"
        assert "the webhook is not ready" in run(server, tmp_path, knative_wait_timeout=20).fault
        olm.failing = ""

        installed = run(server, tmp_path, knative_domain="apps.example.com")
        assert (installed.fault, installed.changed > 0) == ("", True)
        subscription = cluster.get(*SUBSCRIPTION)["spec"]
        assert (subscription["channel"], subscription["source"]) == ("stable-1.37", "redhat-operators")
        serving = cluster.get(*SERVING)["spec"]
        assert serving["ingress"] == {"istio": {"enabled": True}, "kourier": {"enabled": False}}
        assert serving["config"]["domain"] == {"apps.example.com": ""}
        assert serving["config"]["network"]["domain-template"] == "{{.Name}}.{{.Namespace}}.{{.Domain}}"
        gateways = cluster.list("networking.istio.io/v1", "Gateway", "knative-serving")
        assert {one["metadata"]["name"] for one in gateways} == {"knative-ingress-gateway", "knative-local-gateway"}
        assert cluster.get(*EVENTING)

        again = run(server, tmp_path, knative_domain="apps.example.com")
        assert (again.fault, again.changed) == ("", 0), again.printed
        assert cluster.get("apps/v1", "Deployment", "controller", "knative-serving"), (
            "the operator's is not ours to prune"
        )

        assert run(server, tmp_path, knative_eventing=False, knative_domain="apps.example.com").changed == 1
        assert cluster.get(*EVENTING) is None and cluster.get(*SERVING)

        # A copy of OLM's in each namespace is nobody's
        copy = within(document(*CSV[:3], spec=cluster.get(*CSV)["spec"]), "knative-serving", labels={LABEL: ""})
        copy["metadata"]["labels"]["olm.copiedFrom"] = PLACE
        cluster.apply(copy, manager="olm")
        kind = definition("serving.knative.dev", "Service")
        cluster.apply(kind)
        await_served(cluster, [kind])
        cluster.apply(namespace("shop"))
        cluster.apply(within(document("serving.knative.dev/v1", "Service", "web"), "shop"), manager="somebody")
        refused = run(server, tmp_path, knative_state="absent")
        assert "Service shop/web: Knative Serving runs it" in refused.fault and "nothing was changed" in refused.fault
        assert cluster.get(*SERVING) and cluster.get(*CSV)
        cluster.delete("serving.knative.dev/v1", "Service", "web", "shop")

        rehearsed = run(server, tmp_path, "--check", knative_state="absent")
        assert (rehearsed.fault, bool(cluster.get(*SERVING))) == ("", True)
        assert run(server, tmp_path, knative_state="absent").fault == ""
        left = [cluster.get("v1", "Namespace", name) for name in (PLACE, "knative-serving", "knative-eventing")]
        assert left == [None, None, None]
        assert [cluster.get(*one) for one in (SUBSCRIPTION, CSV, SERVING, EVENTING)] == [None] * 4
        assert cluster.list("networking.istio.io/v1", "Gateway", "knative-serving") == []
        again = run(server, tmp_path, knative_state="absent")
        assert (again.fault, again.changed) == ("", 0)


def test_a_subscription_of_somebody_else_is_used_and_stays(
    server: OpenShiftApi, cluster: Cluster, tmp_path: Path
) -> None:
    theirs = document(
        *SUBSCRIPTION[:3], spec={"name": "serverless-operator", "source": "mirrored", "sourceNamespace": "x"}
    )
    cluster.apply(namespace(PLACE), manager="somebody")
    cluster.apply(within(theirs, PLACE), manager="somebody")
    with Olm(cluster):
        # Its operator is installed by now, or the run says that it does not serve
        for _turn in range(2):
            ended = run(server, tmp_path, knative_existing="adopt")
            assert "does not serve" in ended.fault or not ended.fault
        assert ended.fault == "" and cluster.get(*SERVING)
        assert cluster.get(*SUBSCRIPTION)["spec"]["source"] == "mirrored"
        assert run(server, tmp_path, knative_state="absent").fault == ""
    assert cluster.get(*SERVING) is None
    assert cluster.get(*SUBSCRIPTION) and cluster.get(*CSV)
