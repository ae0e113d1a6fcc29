"""What becomes of single objects that leave a release: never deleted is what is not ours."""

from __future__ import annotations

import dataclasses
import time

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import FIELD_MANAGER, Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.inventory import Inventory
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.leaving.planner import (
    LeavingPolicy,
    plan_leaving,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.plan import Action, Plan
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.remove.execute import carry_out
from fault_proxy import Fault, FaultProxy
from releases import absent, config_map, deleted, document, kept, namespace, returned, secret
from standing import inventory_of, live, stand, until, within


def claim(name: str) -> dict:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return document("v1", "PersistentVolumeClaim", name, spec=spec)


def shrink(cluster: Cluster, own: Inventory, *gone: str, **policy: object) -> Plan:
    """The plan when the objects of these names are no longer wanted."""
    leaving = [entry for entry in own.entries if entry.ref.name in gone]
    return plan_leaving(cluster, own, [], leaving, LeavingPolicy(whole=False, **policy), Deadline(30))


def test_an_object_that_was_made_anew_is_left_alone_and_named(cluster: Cluster, name: str) -> None:
    cluster.apply(namespace(name), manager="someone")
    ours = within(config_map("a", {"ours": "1"}), name)
    stand(cluster, name, [ours, within(config_map("b", {}), name)])
    cluster.delete("v1", "ConfigMap", "a", name)
    labels = {"app.kubernetes.io/managed-by": "selfhosted.serverless", "serverless.selfhosted/release": name}
    cluster.apply(within(config_map("a", {"theirs": "2"}), name, labels=labels), manager="someone")

    plan = absent(cluster, name)
    assert deleted(plan) == [f"ConfigMap {name}/b"] and not returned(plan) and not kept(plan)
    assert any(f"ConfigMap {name}/a is left alone" in warning for warning in plan.warnings)
    assert live(cluster, ours)["data"] == {"theirs": "2"}
    assert inventory_of(cluster, name) is None


@pytest.mark.parametrize("form", ["new", "old"])
def test_without_our_label_an_object_is_not_ours(cluster: Cluster, name: str, form: str) -> None:
    cluster.apply(namespace(name), manager="someone")
    ours = within(config_map("a", {"k": "1"}), name)
    stand(cluster, name, [ours], form=form)
    mine = within(config_map("a", {}), name, labels={"serverless.selfhosted/release": "mine"})
    cluster.apply(mine, manager="someone", force=True)
    assert not absent(cluster, name).changes
    assert live(cluster, ours)


def test_a_copy_with_our_labels_is_not_ours(cluster: Cluster, name: str) -> None:
    """An old inventory knows no uid; the field manager tells that somebody else has made the object."""
    cluster.apply(namespace(name), manager="someone")
    ours = within(config_map("a", {"k": "1"}), name)
    stand(cluster, name, [ours], form="old")
    cluster.delete("v1", "ConfigMap", "a", name)
    labels = {"app.kubernetes.io/managed-by": "selfhosted.serverless", "serverless.selfhosted/release": name}
    cluster.apply({**ours, "metadata": {**ours["metadata"], "labels": labels}}, manager="restore")
    plan = absent(cluster, name)
    assert not plan.changes and "somebody else has made it" in plan.warnings[0]
    assert live(cluster, ours)


@pytest.mark.parametrize("form", ["new", "old", "none"])
def test_adopted_objects_are_given_back(cluster: Cluster, name: str, form: str) -> None:
    theirs = within(config_map("a", {"theirs": "1"}), name, labels={"theirs": "yes"})
    cluster.apply(namespace(name), manager="someone")
    before = cluster.apply(theirs, manager="someone")
    stand(cluster, name, [namespace(name), within(config_map("a", {"ours": "2"}), name)], form=form)

    for check_mode in (True, False):
        plan = absent(cluster, name, check_mode=check_mode)
        assert returned(plan) == [f"ConfigMap {name}/a", f"Namespace {name}"] and not deleted(plan)
    after = live(cluster, theirs)
    assert after["metadata"]["uid"] == before["metadata"]["uid"] and after["data"] == {"theirs": "1"}
    assert after["metadata"]["labels"] == {"theirs": "yes"} and "annotations" not in after["metadata"]
    managers = [entry["manager"] for entry in after["metadata"]["managedFields"]]
    assert managers == ["someone"]
    assert not absent(cluster, name).changes


def test_the_inventory_alone_tells_that_an_object_was_adopted(cluster: Cluster, name: str) -> None:
    """Somebody has taken our annotation off."""
    cluster.apply(namespace(name), manager="someone")
    theirs = within(config_map("a", {"theirs": "1"}), name)
    cluster.apply(theirs, manager="someone")
    stand(cluster, name, [theirs])
    path = f"/api/v1/namespaces/{name}/configmaps/a"
    patch = {"metadata": {"annotations": None}}
    cluster.transport.call("PATCH", path, body=patch, content_type="application/merge-patch+json")
    assert not deleted(absent(cluster, name))
    assert live(cluster, theirs)["data"] == {"theirs": "1"}


def test_a_pull_secret_is_detached_from_the_cluster_s_own_account(cluster: Cluster, name: str) -> None:
    """The account goes with nobody: all pods that run by it would lose their tokens."""
    cluster.apply(namespace(name), manager="someone")
    until(lambda: cluster.get("v1", "ServiceAccount", "default", name))
    account = within(document("v1", "ServiceAccount", "default", imagePullSecrets=[{"name": "pull"}]), name)
    uid = live(cluster, account)["metadata"]["uid"]
    own = stand(cluster, name, [account, within(secret("pull", {}), name)])
    # even where it came into being after the release had
    entries = [dataclasses.replace(entry, origin=type(entry.origin).CREATED) for entry in own.entries]
    plan = shrink(cluster, own.with_entries(entries), "default", "pull")
    assert deleted(plan) == [f"Secret {name}/pull"] and returned(plan) == [f"ServiceAccount {name}/default"]
    carry_out(cluster, name, plan.steps, Deadline(30), lambda message: None)
    after = live(cluster, account)
    assert after["metadata"]["uid"] == uid and not after.get("imagePullSecrets")
    assert "serverless.selfhosted/release" not in (after["metadata"].get("labels") or {})


def test_data_goes_only_with_the_whole_release(cluster: Cluster, name: str) -> None:
    documents = [namespace(name)] + [within(item, name) for item in (claim("data"), secret("password", {"k": "v"}))]
    own = stand(cluster, name, documents, data=("password",))
    plan = shrink(cluster, own, name, "data", "password")
    assert kept(plan) == [f"Namespace {name}", f"PersistentVolumeClaim {name}/data", f"Secret {name}/password"]
    assert not plan.changes

    plan = absent(cluster, name, check_mode=True, data_hint="Set todo_keep_data: true")
    assert deleted(plan) == [f"Namespace {name}", f"PersistentVolumeClaim {name}/data", f"Secret {name}/password"]
    lost = f"PersistentVolumeClaim {name}/data, Secret {name}/password"
    assert plan.warnings[0] == f"the data of release '{name}' is deleted for good: {lost}. Set todo_keep_data: true"


@pytest.mark.parametrize("gone", [("password",), ("password", "data"), ("password", "data", "namespace")])
def test_a_password_stays_as_long_as_the_volume_that_it_opens(
    cluster: Cluster, name: str, gone: tuple[str, ...]
) -> None:
    """The inventory of the former version does not tell which Secret was generated."""
    pull = {**secret("pull", {}), "type": "kubernetes.io/dockerconfigjson", "stringData": {".dockerconfigjson": "{}"}}
    items = [claim("data"), secret("password", {"k": "v"}), pull, config_map("settings", {})]
    stand(cluster, name, [namespace(name)] + [within(item, name) for item in items], form="old")
    gone = tuple(name if word == "namespace" else word for word in gone)
    plan = shrink(cluster, inventory_of(cluster, name), *gone, "pull", "settings")
    assert deleted(plan) == [f"ConfigMap {name}/settings", f"Secret {name}/pull"]
    assert f"Secret {name}/password" in kept(plan)


def test_what_shall_be_kept_is_kept_with_its_namespace_and_password(cluster: Cluster, name: str) -> None:
    items = [claim("data"), secret("password", {"k": "v"}), config_map("settings", {})]
    documents = [namespace(name)] + [within(item, name) for item in items]
    stand(cluster, name, documents, data=("password",), requires=("istio",))
    keep = [{"kind": "PersistentVolumeClaim"}]
    for check_mode in (True, False):
        plan = absent(cluster, name, keep=keep, check_mode=check_mode)
        assert deleted(plan) == [f"ConfigMap {name}/settings"]
        assert kept(plan) == [f"Namespace {name}", f"PersistentVolumeClaim {name}/data", f"Secret {name}/password"]
    left = inventory_of(cluster, name)
    assert len(left.entries) == 3 and left.requires == ()
    assert not absent(cluster, name, keep=keep).changes
    assert len(deleted(absent(cluster, name))) == 3
    assert inventory_of(cluster, name) is None


def test_an_object_is_found_in_the_version_that_is_served(cluster: Cluster, name: str) -> None:
    cluster.apply(namespace(name), manager="someone")
    budget = document("policy/v1", "PodDisruptionBudget", "b", spec={"minAvailable": 1, "selector": {}})
    own = stand(cluster, name, [within(budget, name)], form="none")
    entry = next(iter(own.entries))
    former = dataclasses.replace(entry, ref=ObjectRef("policy/v1beta1", "PodDisruptionBudget", name, "b"))
    plan = plan_leaving(cluster, own.with_entries([former]), [], [former], LeavingPolicy(), Deadline(30))
    assert [step.action for step in plan.steps] == [Action.DELETE]
    carry_out(cluster, name, plan.steps, Deadline(30), lambda message: None)
    assert live(cluster, within(budget, name)) is None


def test_a_value_that_the_object_needs_stays_and_is_nobody_s(cluster: Cluster, name: str) -> None:
    """The owner's manager lost the field when it was taken over by force; without it the object is invalid."""
    cluster.apply(namespace(name), manager="someone")
    spec = {"ports": [{"port": 80}], "selector": {"app": "theirs"}}
    theirs = within(document("v1", "Service", "web", spec=spec), name)
    cluster.apply(theirs, manager="someone")
    ours = {**theirs, "spec": {"ports": [{"port": 80, "targetPort": 8080}], "selector": {"app": "theirs"}}}
    stand(cluster, name, [ours])
    path = f"/api/v1/namespaces/{name}/services/web"
    only_ours = {"spec": {"selector": {"app": "theirs"}}}  # their manager lets go of the ports
    cluster.apply({**theirs, **only_ours}, manager="someone")
    assert returned(absent(cluster, name)) == [f"Service {name}/web"]
    after = cluster.transport.call("GET", path)
    assert [port["targetPort"] for port in after["spec"]["ports"]] == [8080]
    assert FIELD_MANAGER not in [entry["manager"] for entry in after["metadata"]["managedFields"]]
    assert "labels" not in after["metadata"]
    cluster.apply(theirs, manager="someone")  # no conflict with us


def test_what_kubectl_had_applied_comes_back(cluster: Cluster, name: str) -> None:
    cluster.apply(namespace(name), manager="someone")
    noted = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"key":"theirs"}}'
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": noted}
    theirs = within(config_map("a", {"key": "theirs"}), name, annotations=annotations)
    cluster.apply(theirs, manager="kubectl-client-side-apply")
    stand(cluster, name, [within(config_map("a", {"key": "ours", "more": "ours"}), name)])
    absent(cluster, name)
    after = live(cluster, theirs)
    assert after["data"] == {"key": "theirs"} and after["metadata"]["annotations"] == annotations
    assert FIELD_MANAGER not in [entry["manager"] for entry in after["metadata"]["managedFields"]]


def test_nothing_is_made_anew_by_giving_it_back(cluster: Cluster, name: str) -> None:
    cluster.apply(namespace(name), manager="someone")
    theirs = within(config_map("a", {"theirs": "1"}), name)
    cluster.apply(theirs, manager="someone")
    own = stand(cluster, name, [theirs])
    plan = plan_leaving(cluster, own, [], own.entries, LeavingPolicy(), Deadline(30))
    cluster.delete("v1", "ConfigMap", "a", name)
    carry_out(cluster, name, plan.steps, Deadline(30), lambda message: None)
    assert live(cluster, theirs) is None
    cluster.apply(theirs, manager="someone")
    carry_out(cluster, name, plan.steps, Deadline(30), lambda message: None)
    assert live(cluster, theirs)["data"] == {"theirs": "1"}


def test_a_webhook_that_is_away_does_not_hold_up_the_plan(proxied: Cluster, fault_proxy: FaultProxy, name: str) -> None:
    """And does not change it: the pull secret is to be detached all the same."""
    proxied.apply(namespace(name), manager="someone")
    account = within(document("v1", "ServiceAccount", "app", imagePullSecrets=[{"name": "pull"}]), name)
    proxied.apply(within(document("v1", "ServiceAccount", "app"), name), manager="someone")
    own = stand(proxied, name, [account])
    body = b'{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","reason":"InternalError","code":500,'
    body += b'"message":"Internal error occurred: failed calling webhook"}'
    fault_proxy.faults.append(Fault("PATCH", "serviceaccounts/app.*dryRun", 500, 99, body=body))
    started = time.monotonic()
    plan = plan_leaving(proxied, own, [], own.entries, LeavingPolicy(), Deadline(30))
    assert time.monotonic() - started < 15
    assert set(plan.steps[0].document) == {"apiVersion", "kind", "metadata"}
    assert returned(absent(proxied, name)) == [f"ServiceAccount {name}/app"]
    assert not live(proxied, account).get("imagePullSecrets")
