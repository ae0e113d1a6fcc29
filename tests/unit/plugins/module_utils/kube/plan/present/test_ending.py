"""Objects whose namespace or CRD is being deleted: nothing counts as there that is gone a moment later."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ReleaseError
from api_server import ApiServer
from releases import config_map, definition, document, namespace, present, secret
from standing import drop_finalizers, live, within

CRD = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")


def things() -> list[dict[str, Any]]:
    account = document("v1", "ServiceAccount", "account")
    ports = {"ports": [{"port": 80}]}
    return [config_map("a", {"x": "1"}), secret("s", {"k": "v"}), account, document("v1", "Service", "s", spec=ports)]


@pytest.fixture
def group(name: str) -> str:
    return f"{name}.example.org"


def widget(group: str, home: str) -> dict[str, Any]:
    return within(document(f"{group}/v1", "Widget", "w", spec={"size": 3}), home)


def test_what_is_still_there_in_a_namespace_that_goes_is_made_anew(
    cluster: Cluster, api_server: ApiServer, name: str
) -> None:
    """The namespace controller comes to an object some seconds after the namespace was deleted."""
    documents = [namespace(name), *(within(item, name) for item in things())]
    present(cluster, name, documents)
    before = {item["kind"]: live(cluster, item)["metadata"]["uid"] for item in documents}
    with api_server.controllers_asleep() as wake:
        cluster.delete("v1", "Namespace", name)
        predicted = present(cluster, name, documents, check_mode=True)
        assert {step.action.value for step in predicted.plan.steps} == {"wait until gone"}
        reasons = [step.reason for step in predicted.plan.steps if step.ref.kind == "ConfigMap"]
        assert reasons == [f"it goes with Namespace {name}, which is being deleted, and is made anew afterwards"]
        threading.Timer(1, wake).start()
        outcome = present(cluster, name, documents)
    assert len(outcome.created) == len(documents) == len(predicted.created)
    for item in documents:
        assert live(cluster, item)["metadata"]["uid"] != before[item["kind"]]
    assert not present(cluster, name, documents).changed


def test_custom_resources_of_a_crd_that_goes_are_made_anew(cluster: Cluster, name: str, group: str) -> None:
    documents = [namespace(name), definition(group, "Widget"), widget(group, name)]
    present(cluster, name, documents)
    cluster.delete(*CRD, f"widgets.{group}")
    present(cluster, name, documents)
    assert live(cluster, widget(group, name))
    assert not present(cluster, name, documents).changed


def hold(cluster: Cluster, name: str, group: str) -> dict[str, Any]:
    """A CRD that is being deleted, whose objects are gone already; its document."""
    there = definition(group, "Widget")
    present(cluster, name, [namespace(name), there])
    finalizers = {"name": f"widgets.{group}", "finalizers": ["example.org/hold"]}
    cluster.apply({**{key: there[key] for key in ("apiVersion", "kind")}, "metadata": finalizers}, manager="someone")
    cluster.delete(*CRD, f"widgets.{group}")
    return there


def test_new_custom_resources_wait_for_a_crd_that_goes(cluster: Cluster, name: str, group: str) -> None:
    """The server refuses them as long as the CRD is being deleted."""
    there = hold(cluster, name, group)
    documents = [namespace(name), there, widget(group, name)]
    planned = present(cluster, name, documents, check_mode=True).plan
    assert {step.ref.kind: step.action.value for step in planned.steps} == {
        "Namespace": "keep",
        "CustomResourceDefinition": "wait until gone",
        "Widget": "create",
    }
    assert any(f"CustomResourceDefinition widgets.{group} is being deleted" in step.reason for step in planned.steps)
    threading.Timer(1, drop_finalizers, [cluster, there]).start()
    present(cluster, name, documents)
    assert live(cluster, widget(group, name))
    assert not present(cluster, name, documents).changed


def test_a_release_does_not_build_on_what_goes_for_good(cluster: Cluster, name: str, group: str) -> None:
    """Neither the namespace nor the CRD is made anew by it, so it says who has to be first."""
    there = hold(cluster, name, group)
    home = f"{name}-home"
    cluster.apply(namespace(home), manager="someone")
    held = within(config_map("held", {}), home, finalizers=["example.org/hold"])
    cluster.apply(held, manager="someone")
    cluster.delete("v1", "Namespace", home)
    documents = [widget(group, name), within(config_map("b", {}), home)]
    assert present(cluster, f"{name}-2", documents, check_mode=True).changed, "an earlier release may make it"
    with pytest.raises(ReleaseError) as refused:
        present(cluster, f"{name}-2", documents)
    told = str(refused.value)
    assert f"Widget {name}/w: CustomResourceDefinition widgets.{group} is being deleted" in told
    assert f"ConfigMap {home}/b: Namespace {home} is being deleted" in told and "nothing was changed" in told
    drop_finalizers(cluster, there)
    drop_finalizers(cluster, held)
