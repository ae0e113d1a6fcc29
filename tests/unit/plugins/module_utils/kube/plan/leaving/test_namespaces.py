"""Namespaces that releases leave: kept for whoever else is in them, whatever the order of arrival and leaving."""

from __future__ import annotations

from itertools import permutations

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import FIELD_MANAGER, Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.leaving.planner import (
    LeavingPolicy,
    plan_leaving,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.remove.execute import carry_out
from fault_proxy import Fault, FaultProxy
from releases import (
    absent,
    config_map,
    deleted,
    deployment,
    document,
    kept,
    namespace,
    rehearsed,
    removing,
    returned,
    secret,
)
from standing import inventory_of, live, stand, until, within

ORDERS_OF_TWO = list(permutations(range(2)))
ORDERS_OF_THREE = list(permutations(range(3)))
SELECTOR = {"ports": [{"port": 80}], "selector": {"app": "app"}}


def labelled(name: str, **labels: str) -> dict:
    item = namespace(name)
    if labels:
        item["metadata"]["labels"] = labels
    return item


def managers(item: dict) -> set[str]:
    entries = item["metadata"].get("managedFields") or []
    return {entry["manager"] for entry in entries} - {"kube-controller-manager", "someone"}


def arrive(cluster: Cluster, home: str, release: str, with_labels: bool) -> None:
    labels = {release: "yes"} if with_labels else {}
    stand(cluster, release, [labelled(home, **labels), within(config_map(release, {}), home)])


@pytest.mark.parametrize("with_labels", [True, False], ids=["labels", "bare"])
@pytest.mark.parametrize("leaving", ORDERS_OF_THREE, ids=str)
@pytest.mark.parametrize("arriving", ORDERS_OF_THREE, ids=str)
def test_three_releases_in_a_namespace_in_any_order(
    cluster: Cluster, name: str, arriving: tuple[int, ...], leaving: tuple[int, ...], with_labels: bool
) -> None:
    releases = [f"{name}-{number}" for number in range(3)]
    for number in arriving:
        arrive(cluster, name, releases[number], with_labels)
    uid = cluster.get("v1", "Namespace", name)["metadata"]["uid"]
    left = list(releases)
    for number in leaving:
        left.remove(releases[number])
        if not left:
            break
        absent(cluster, releases[number])
        assert inventory_of(cluster, releases[number]) is None
        assert cluster.get("v1", "ConfigMap", releases[number], name) is None
        there = cluster.get("v1", "Namespace", name)
        assert there["metadata"]["uid"] == uid and not there["metadata"].get("deletionTimestamp")
        assert all(cluster.get("v1", "ConfigMap", release, name) for release in left)
        labels = there["metadata"]["labels"]
        assert labels["serverless.selfhosted/release"] in left
        assert {key for key in labels if key.startswith(name)} == (set(left) if with_labels else set())
        allowed = {FIELD_MANAGER} | {f"{FIELD_MANAGER}/{release}" for release in left}
        assert managers(there) <= allowed - {f"{FIELD_MANAGER}/{labels['serverless.selfhosted/release']}"}
    # The namespace's end takes 5 s and is tried elsewhere.
    plan = absent(cluster, releases[leaving[-1]], check_mode=True)
    assert deleted(plan) == [f"ConfigMap {name}/{releases[leaving[-1]]}", f"Namespace {name}"]
    cluster.delete("v1", "Namespace", name)


@pytest.mark.parametrize("form", ["new", "old"])
@pytest.mark.parametrize("leaving", ORDERS_OF_TWO, ids=str)
def test_an_adopted_namespace_outlives_all_releases(
    cluster: Cluster, name: str, leaving: tuple[int, ...], form: str
) -> None:
    cluster.apply(labelled(name, theirs="yes"), manager="someone")
    releases = [f"{name}-1", f"{name}-2"]
    for release in releases:
        stand(cluster, release, [labelled(name, **{release: "yes"}), within(config_map(release, {}), name)], form=form)
    for number in leaving:
        plan = absent(cluster, releases[number])
        assert returned(plan) == [f"Namespace {name}"] and f"Namespace {name}" not in deleted(plan)
    there = cluster.get("v1", "Namespace", name)
    assert there["metadata"]["labels"] == {"theirs": "yes", "kubernetes.io/metadata.name": name}
    assert not there["metadata"].get("annotations") and not managers(there)


def test_a_release_may_come_back_after_its_namespace_was_passed_on(cluster: Cluster, name: str) -> None:
    """Its former share must not conflict with its own labels."""
    first, second = f"{name}-1", f"{name}-2"
    arrive(cluster, name, first, True)
    stand(cluster, second, [labelled(name, mode="on"), within(config_map(second, {}), name)])
    absent(cluster, first)
    ours = {"app.kubernetes.io/managed-by": "selfhosted.serverless", "serverless.selfhosted/release": second}
    changed = labelled(name, mode="off", **ours)
    assert cluster.apply(changed)["metadata"]["labels"]["mode"] == "off"


def test_shares_of_releases_that_are_gone_are_cleaned_up(cluster: Cluster, name: str) -> None:
    """The former version left them behind."""
    stand(cluster, name, [labelled(name), within(config_map("a", {}), name)])
    stale = labelled(name, stale="yes")
    cluster.apply(stale, manager=f"{FIELD_MANAGER}/gone", force=True)
    stand(cluster, f"{name}-2", [labelled(name), within(config_map("b", {}), name)])
    absent(cluster, name)
    there = cluster.get("v1", "Namespace", name)
    assert managers(there) == {FIELD_MANAGER} and "stale" not in there["metadata"]["labels"]


def test_a_release_that_only_lives_in_a_namespace_inherits_it(cluster: Cluster, name: str) -> None:
    stand(cluster, name, [namespace(name), within(config_map("a", {}), name)])
    stand(cluster, f"{name}-2", [within(config_map("b", {}), name)])
    assert returned(absent(cluster, name)) == [f"Namespace {name}"]
    assert deleted(absent(cluster, f"{name}-2")) == [f"ConfigMap {name}/b", f"Namespace {name}"]


def test_what_the_cluster_makes_is_no_reason_to_stay(cluster: Cluster, name: str) -> None:
    service = document("v1", "Service", "app", spec=SELECTOR)
    stand(cluster, name, [namespace(name)] + [within(item, name) for item in (deployment("app", replicas=2), service)])
    cluster.apply(within(document("coordination.k8s.io/v1", "Lease", "leader", spec={}), name), manager="controller")
    root = within(config_map("istio-ca-root-cert", {}), name, labels={"istio.io/config": "true"})
    cluster.apply(root, manager="pilot-discovery")
    until(lambda: len(cluster.list("v1", "Pod", name)) == 2)
    until(lambda: cluster.list("v1", "Endpoints", name) and cluster.list("discovery.k8s.io/v1", "EndpointSlice", name))
    until(lambda: cluster.get("v1", "ConfigMap", "kube-root-ca.crt", name))
    for check_mode in (True, False):
        plan = absent(cluster, name, check_mode=check_mode)
        assert deleted(plan) == [f"Deployment {name}/app", f"Namespace {name}", f"Service {name}/app"]
    assert cluster.get("v1", "Namespace", name) is None


def claim_of_a_set(name: str) -> dict:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    return document("v1", "PersistentVolumeClaim", name, spec=spec)


THEIRS = {
    "deployment": (deployment("theirs", replicas=1), "someone"),
    "config": (config_map("theirs", {}), "someone"),
    "secret": (secret("theirs", {}), "someone"),
    "account": (document("v1", "ServiceAccount", "theirs"), "someone"),
    "service": (document("v1", "Service", "theirs", spec=SELECTOR), "someone"),
    "endpoints": (document("v1", "Endpoints", "theirs"), "someone"),
    "role": (document("rbac.authorization.k8s.io/v1", "Role", "theirs", rules=[]), "someone"),
    "quota": (document("v1", "ResourceQuota", "theirs", spec={}), "someone"),
    # what a StatefulSet leaves behind is written by a controller and is data
    "claim": (claim_of_a_set("theirs"), "kube-controller-manager"),
}


@pytest.mark.parametrize("kind", THEIRS)
def test_a_namespace_with_things_of_others_is_given_back(cluster: Cluster, name: str, kind: str) -> None:
    theirs, manager = within(THEIRS[kind][0], name), THEIRS[kind][1]
    stand(cluster, name, [labelled(name, **{"istio-injection": "enabled"}), within(config_map("a", {}), name)])
    before = cluster.apply(theirs, manager=manager)
    for check_mode in (True, False):
        plan = absent(cluster, name, check_mode=check_mode)
        assert deleted(plan) == [f"ConfigMap {name}/a"] and returned(plan) == [f"Namespace {name}"]
        told = f"1 object(s) of others in it: {theirs['kind']} {name}/theirs"
        assert any(told in warning for warning in plan.warnings)
        assert told in [step.reason for step in plan.steps if step.ref.kind == "Namespace"][0]
    assert live(cluster, theirs)["metadata"]["uid"] == before["metadata"]["uid"]
    there = cluster.get("v1", "Namespace", name)
    assert there["metadata"]["labels"] == {"kubernetes.io/metadata.name": name} and not managers(there)
    assert inventory_of(cluster, name) is None


def test_many_things_of_others_are_counted_and_the_first_named(cluster: Cluster, name: str) -> None:
    stand(cluster, name, [namespace(name)])
    for number in range(5):
        cluster.apply(within(config_map(f"theirs-{number}", {}), name), manager="someone")
    plan = absent(cluster, name)
    first = ", ".join(f"ConfigMap {name}/theirs-{number}" for number in range(3))
    assert f"5 object(s) of others in it: {first} and 2 more" in plan.warnings[0]


def test_what_belongs_to_things_of_others_is_not_named_beside_them(cluster: Cluster, name: str) -> None:
    stand(cluster, name, [namespace(name)])
    cluster.apply(within(deployment("theirs", replicas=2), name), manager="someone")
    until(lambda: len(cluster.list("v1", "Pod", name)) == 2)
    assert f"1 object(s) of others in it: Deployment {name}/theirs" in absent(cluster, name).warnings[0]


def test_a_namespace_goes_although_our_pods_and_theirs_that_end_are_in_it(cluster: Cluster, name: str) -> None:
    """What is being deleted already is no reason to keep a namespace."""
    stand(cluster, name, [namespace(name)])
    going = within(config_map("going", {}), name, finalizers=["example.org/hold"])
    cluster.apply(going, manager="someone")
    cluster.delete("v1", "ConfigMap", "going", name)
    assert deleted(absent(cluster, name, check_mode=True)) == [f"Namespace {name}"]
    path = f"/api/v1/namespaces/{name}/configmaps/going"
    patch = {"metadata": {"finalizers": None}}
    cluster.transport.call("PATCH", path, body=patch, content_type="application/merge-patch+json")
    absent(cluster, name)


def test_an_api_that_does_not_answer_means_that_it_cannot_be_told(cluster: Cluster, name: str) -> None:
    stand(cluster, name, [namespace(name)])
    spec = {"group": "away.example.org", "version": "v1", "groupPriorityMinimum": 10, "versionPriority": 10}
    spec |= {"service": {"namespace": "default", "name": "away"}, "insecureSkipTLSVerify": True}
    api = document("apiregistration.k8s.io/v1", "APIService", "v1.away.example.org", spec=spec)
    cluster.apply(api, manager="someone")
    # Nor does it end the plan that something has an owner there.
    owner = {"apiVersion": "away.example.org/v1", "kind": "Thing", "name": "thing", "uid": "u-1"}
    cluster.apply(within(config_map("theirs", {}), name, ownerReferences=[owner]), manager="someone")
    try:
        plan = absent(cluster, name)
    finally:
        cluster.delete("apiregistration.k8s.io/v1", "APIService", "v1.away.example.org")
    assert returned(plan) == [f"Namespace {name}"] and not deleted(plan)
    assert "ConfigMap" in plan.warnings[0] and "the API v1.away.example.org does not answer" in plan.warnings[0]


def test_an_api_of_ours_that_does_not_answer_goes_before(cluster: Cluster, name: str) -> None:
    group = f"{name}.example.org"
    spec = {"group": group, "version": "v1", "groupPriorityMinimum": 10, "versionPriority": 10}
    spec |= {"service": {"namespace": name, "name": "away"}, "insecureSkipTLSVerify": True}
    api = document("apiregistration.k8s.io/v1", "APIService", f"v1.{group}", spec=spec)
    stand(cluster, name, [namespace(name), api])
    assert deleted(absent(cluster, name)) == [f"APIService v1.{group}", f"Namespace {name}"]


def test_a_kind_that_may_not_be_listed_means_that_it_cannot_be_told(
    proxied: Cluster, fault_proxy: FaultProxy, name: str
) -> None:
    stand(proxied, name, [namespace(name)])
    body = b'{"kind":"Status","status":"Failure","reason":"Forbidden","message":"secrets is forbidden","code":403}'
    fault_proxy.faults.append(Fault("GET", f"namespaces/{name}/secrets$", 403, 1, body=body))
    plan = absent(proxied, name)
    assert returned(plan) == [f"Namespace {name}"] and not deleted(plan)
    assert "secrets: secrets is forbidden" in plan.warnings[0]


def test_an_answer_that_is_no_list_never_means_that_a_namespace_is_empty(
    proxied: Cluster, fault_proxy: FaultProxy, name: str
) -> None:
    for action in ({}, None):
        stand(proxied, name, [namespace(name)])
        proxied.apply(within(config_map("theirs", {}), name), manager="someone")
        body = b"{}" if action == {} else b"null"
        fault_proxy.faults.append(Fault("GET", f"namespaces/{name}/configmaps$", 200, 40, body=body))
        assert not deleted(absent(proxied, name))
        fault_proxy.faults.clear()
        assert proxied.get("v1", "ConfigMap", "theirs", name)


def test_a_shrunk_list_gives_back_or_deletes(cluster: Cluster, name: str) -> None:
    """As injection namespaces and secret namespaces do; only what is empty and ours goes."""
    full, empty, own_things = f"{name}-full", f"{name}-empty", f"{name}-own"
    injected = {"istio-injection": "enabled"}
    own = stand(
        cluster,
        name,
        [labelled(home, **injected) for home in (full, empty, own_things)] + [within(config_map("a", {}), own_things)],
    )
    cluster.apply(within(config_map("theirs", {}), full), manager="someone")
    leaving = [entry for entry in own.entries if entry.ref.kind == "Namespace"]
    plan = plan_leaving(cluster, own, [], leaving, LeavingPolicy(whole=False), Deadline(30))
    assert deleted(plan) == [f"Namespace {empty}"] and returned(plan) == [f"Namespace {full}"]
    assert kept(plan) == [f"Namespace {own_things}"]
    carry_out(cluster, name, plan.steps, Deadline(30), lambda message: None)
    assert "istio-injection" not in cluster.get("v1", "Namespace", full)["metadata"]["labels"]
    assert cluster.get("v1", "Namespace", empty) is None


def test_releases_that_count_as_removed_are_not_waited_for(cluster: Cluster, name: str) -> None:
    """A rehearsal of several removals tells what each of them will do once those before it are done."""
    first, second = f"{name}-1", f"{name}-2"
    for release in (first, second):
        stand(cluster, release, [namespace(name), within(deployment(release, replicas=1), name)])
    until(lambda: len(cluster.list("v1", "Pod", name)) == 2)
    for told in rehearsed(cluster, removing(first), removing(second)):
        plan = absent(cluster, told.release)
        assert deleted(plan) == deleted(told) and returned(plan) == returned(told)
    assert f"Namespace {name}" in deleted(plan)


@pytest.mark.parametrize("form", ["new", "old", "none"])
def test_a_namespace_with_copied_labels_is_not_ours(cluster: Cluster, name: str, form: str) -> None:
    """Neither one beside ours, nor one in the place of ours where the inventory knows no uid."""
    stand(cluster, name, [namespace(name), within(config_map("a", {}), "default", name=f"a-{name}")], form=form)
    ours = {"app.kubernetes.io/managed-by": "selfhosted.serverless", "serverless.selfhosted/release": name}
    copied = labelled(f"{name}-copy", **ours)
    cluster.apply(copied, manager="someone")
    cluster.delete("v1", "Namespace", name)
    until(lambda: cluster.get("v1", "Namespace", name) is None)
    cluster.apply(labelled(name, **ours), manager="someone")
    assert deleted(absent(cluster, name)) == [f"ConfigMap default/a-{name}"]
    for home in (name, f"{name}-copy"):
        assert not cluster.get("v1", "Namespace", home)["metadata"].get("deletionTimestamp")


def test_an_owner_of_a_kind_that_nobody_serves_does_not_mean_that_an_object_goes(cluster: Cluster, name: str) -> None:
    """The garbage collector leaves such an object where it is."""
    stand(cluster, name, [namespace(name)])
    owner = {"apiVersion": "gone.example.org/v1", "kind": "Gone", "name": "x", "uid": "4711"}
    cluster.apply(within(config_map("theirs", {}), name, ownerReferences=[owner]), manager="someone")
    plan = absent(cluster, name)
    assert returned(plan) == [f"Namespace {name}"] and f"ConfigMap {name}/theirs" in plan.warnings[0]
