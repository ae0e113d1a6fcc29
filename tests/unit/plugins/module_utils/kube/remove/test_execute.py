"""The order in which a release leaves, what holds it, and what happens in between."""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ReleaseError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.leaving.planner import (
    LeavingPolicy,
    plan_leaving,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.remove.execute import carry_out
from fault_proxy import FaultProxy
from releases import absent, config_map, definition, deleted, deployment, document, namespace, returned
from standing import drop_finalizers, inventory_of, live, stand, until, within

WEBHOOK = "ValidatingWebhookConfiguration"


@pytest.fixture
def group(name: str) -> str:
    return f"{name}.example.org"


def operator(name: str, group: str) -> list[dict]:
    """One object of every wave: kinds, a gateway of our own, webhooks, a controller, its settings."""
    webhook = document("admissionregistration.k8s.io/v1", WEBHOOK, name, webhooks=[])
    return [
        namespace(name),
        definition(group, "Widget"),
        within(document(f"{group}/v1", "Widget", "gateway"), name),
        webhook,
        within(deployment("controller", replicas=1), name),
        within(config_map("settings", {}), name),
    ]


def deletions(proxy: FaultProxy) -> list[str]:
    """The kinds (in paths) of the DELETEs, in order."""
    paths = [path for method, path in proxy.writes if method == "DELETE"]
    return [re.sub(r"\?.*", "", path).split("/")[-2:][0] + "/" + path.split("/")[-1] for path in paths]


def test_purge_deletes_in_the_order_in_which_nothing_hangs(
    proxied: Cluster, fault_proxy: FaultProxy, name: str, group: str
) -> None:
    stand(proxied, name, operator(name, group))
    theirs = within(document(f"{group}/v1", "Widget", "theirs"), "default", finalizers=["example.org/gateway"])
    proxied.apply(theirs, manager="someone")
    seen: dict[str, bool] = {}

    def controller() -> None:
        """Takes its finalizer off only while all that it needs is there."""
        until(lambda: (live(proxied, theirs) or {"metadata": {}})["metadata"].get("deletionTimestamp"), 30)
        time.sleep(1)
        for kind, api_version, wanted in (
            ("Widget", f"{group}/v1", "gateway"),
            ("Deployment", "apps/v1", "controller"),
            ("ConfigMap", "v1", "settings"),
            (WEBHOOK, "admissionregistration.k8s.io/v1", name),
        ):
            there = proxied.get(api_version, kind, wanted, name)
            seen[kind] = there is not None and not there["metadata"].get("deletionTimestamp")
        drop_finalizers(proxied, theirs)

    at_work = threading.Thread(target=controller)
    at_work.start()
    fault_proxy.requests.clear()
    absent(proxied, name, purge=True)
    at_work.join()
    assert seen == {"Widget": True, "Deployment": True, "ConfigMap": True, WEBHOOK: True}
    order = deletions(fault_proxy)
    assert order[:2] == ["widgets/theirs", "widgets/gateway"]
    assert order[2:4] == [f"validatingwebhookconfigurations/{name}", "deployments/controller"]
    assert order[4] == "configmaps/settings"
    assert set(order[5:7]) == {f"customresourcedefinitions/widgets.{group}", f"namespaces/{name}"}
    assert order[7:] == [f"configmaps/release-{name}"], "the inventory goes last"


def test_what_holds_an_object_is_named_while_waiting_and_at_the_limit(cluster: Cluster, name: str, group: str) -> None:
    """Controllers live on while an object of a kind that goes is held."""
    stand(cluster, name, operator(name, group))
    theirs = within(document(f"{group}/v1", "Widget", "theirs"), "default", finalizers=["example.org/hold"])
    cluster.apply(theirs, manager="someone")
    own = inventory_of(cluster, name)
    plan = plan_leaving(cluster, own, [], own.entries, LeavingPolicy(purge=True), Deadline(30))
    told: list[str] = []
    with pytest.raises(ReleaseError) as failed:
        carry_out(cluster, name, plan.steps, Deadline(6), told.append)
    assert "not gone after 6 s:\nWidget default/theirs: held by " in str(failed.value)
    assert any("held by example.org/hold" in message or "example.org/hold" in message for message in told)
    for kind, api_version, wanted in (("Deployment", "apps/v1", "controller"), ("Widget", f"{group}/v1", "gateway")):
        assert not cluster.get(api_version, kind, wanted, name)["metadata"].get("deletionTimestamp")
    drop_finalizers(cluster, theirs)
    absent(cluster, name, purge=True)


def test_a_namespace_that_is_held_says_by_what(cluster: Cluster, name: str) -> None:
    stand(cluster, name, [namespace(name)])
    going = within(config_map("going", {}), name, finalizers=["example.org/hold"])
    cluster.apply(going, manager="someone")
    cluster.delete("v1", "ConfigMap", "going", name)
    with pytest.raises(ReleaseError, match=rf"not gone after 8 s:\nNamespace {name}: .*example.org/hold"):
        absent(cluster, name, seconds=8)
    plan = absent(cluster, name, check_mode=True)
    assert "example.org/hold" in plan.steps[0].reason and not deleted(plan), "it is waited for, not deleted again"
    drop_finalizers(cluster, going)
    absent(cluster, name)
    assert cluster.get("v1", "Namespace", name) is None and inventory_of(cluster, name) is None


def test_an_object_that_comes_between_plan_and_deletion_keeps_its_controllers(
    cluster: Cluster, name: str, group: str
) -> None:
    own = stand(cluster, name, operator(name, group))
    plan = plan_leaving(cluster, own, [], own.entries, LeavingPolicy(), Deadline(30))
    theirs = within(document(f"{group}/v1", "Widget", "late"), "default")
    cluster.apply(theirs, manager="someone")
    with pytest.raises(ReleaseError, match=r"Widget default/late was made while it ran"):
        carry_out(cluster, name, plan.steps, Deadline(30), lambda message: None)
    assert live(cluster, theirs) and cluster.get("apps/v1", "Deployment", "controller", name)
    assert cluster.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"widgets.{group}")
    absent(cluster, name, purge=True)


def test_what_comes_into_a_namespace_after_the_plan_keeps_it(cluster: Cluster, name: str) -> None:
    """While the removal waits for a finalizer, which takes as long as its controller likes."""
    held = within(config_map("held", {}), name, finalizers=["example.org/hold"])
    theirs = within(config_map("theirs", {"x": "1"}), name)
    stand(cluster, name, [namespace(name), held])

    def come() -> None:
        until(lambda: live(cluster, held)["metadata"].get("deletionTimestamp"))
        cluster.apply(theirs, manager="someone")
        drop_finalizers(cluster, held)

    with ThreadPoolExecutor() as pool:
        coming = pool.submit(come)
        with pytest.raises(ReleaseError, match=rf"Namespace {name}: 1 object\(s\) of others in it: .*{name}/theirs"):
            absent(cluster, name)
        coming.result()
    assert live(cluster, theirs)["data"] == {"x": "1"}
    assert returned(absent(cluster, name)) == [f"Namespace {name}"] and inventory_of(cluster, name) is None
    assert "deletionTimestamp" not in live(cluster, theirs)["metadata"]


def test_an_object_that_is_replaced_while_it_is_deleted_is_left_alone(
    proxied: Cluster, fault_proxy: FaultProxy, name: str
) -> None:
    """At once: the deletion is not repeated until the limit."""
    proxied.apply(namespace(name), manager="someone")
    ours = within(config_map("a", {"ours": "1"}), name)
    own = stand(proxied, name, [ours])
    plan = plan_leaving(proxied, own, [], own.entries, LeavingPolicy(), Deadline(30))
    proxied.delete("v1", "ConfigMap", "a", name)
    proxied.apply(within(config_map("a", {"theirs": "2"}), name), manager="someone")
    fault_proxy.requests.clear()
    told: list[str] = []
    carry_out(proxied, name, plan.steps, Deadline(30), told.append)
    assert [method for method, _path in fault_proxy.writes].count("DELETE") == 1
    assert told == [f"ConfigMap {name}/a is another object by now and is left alone"]
    assert live(proxied, ours)["data"] == {"theirs": "2"}


def test_pods_of_workloads_are_gone_before_the_next_wave(cluster: Cluster, name: str) -> None:
    cluster.apply(namespace(name), manager="someone")
    stand(cluster, name, [within(deployment("app", replicas=1), name)])
    until(lambda: cluster.list("v1", "Pod", name))
    absent(cluster, name)
    assert cluster.list("apps/v1", "ReplicaSet", name) == [] and cluster.list("v1", "Pod", name) == []


def test_a_removal_does_not_sleep_needlessly(cluster: Cluster, name: str) -> None:
    cluster.apply(namespace(name), manager="someone")
    stand(cluster, name, [within(config_map(f"c-{number}", {}), name) for number in range(20)])
    started = time.monotonic()
    absent(cluster, name)
    assert time.monotonic() - started < 10


def test_a_removal_that_died_is_gone_on_with(cluster: Cluster, name: str, group: str) -> None:
    stand(cluster, name, operator(name, group))
    own = inventory_of(cluster, name)
    plan = plan_leaving(cluster, own, [], own.entries, LeavingPolicy(), Deadline(30))
    first = [step for step in plan.steps if step.ref.kind in ("Widget", WEBHOOK, "Deployment")]
    carry_out(cluster, name, first, Deadline(30), lambda message: None)
    plan = absent(cluster, name)
    rest = [f"ConfigMap {name}/settings", f"CustomResourceDefinition widgets.{group}", f"Namespace {name}"]
    assert deleted(plan) == rest and inventory_of(cluster, name) is None
    assert not absent(cluster, name).changes
