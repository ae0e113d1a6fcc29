"""Applying releases to a real API server: what is stored, what is told, what check mode predicts."""

from __future__ import annotations

import threading
import time

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ReleaseError, WaitError
from fault_proxy import Fault, FaultProxy
from releases import (
    absent,
    config_map,
    definition,
    deleted,
    deployment,
    document,
    names,
    namespace,
    present,
    secret,
)
from standing import live, within


def test_create_again_change_again_delete_again(cluster: Cluster, name: str) -> None:
    first = [namespace(name), config_map("a", {"x": "1"})]
    second = [namespace(name), config_map("a", {"x": "2"})]

    for check_mode in (True, False):
        outcome = present(cluster, name, first, check_mode)
        assert names(outcome.created) == [f"ConfigMap {name}/a", f"Namespace {name}"]
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
        assert deleted(absent(cluster, name, check_mode=check_mode)) == [f"ConfigMap {name}/a", f"Namespace {name}"]
    for check_mode in (True, False):
        assert not absent(cluster, name, check_mode=check_mode).changes
    assert cluster.get("v1", "Namespace", name) is None
    assert cluster.get("v1", "ConfigMap", f"release-{name}", "kube-system") is None


def test_second_run_writes_nothing_and_asks_little(cluster: Cluster, name: str) -> None:
    documents = [
        namespace(name),
        *(config_map(f"c{number}", {"x": str(number)}) for number in range(20)),
        deployment("app", replicas=2),
        document("v1", "Service", "app", spec={"selector": {"app": "app"}, "ports": [{"port": 80}]}),
        secret("s", {"password": "canary"}),
    ]
    present(cluster, name, documents)
    before = cluster.transport.requests
    outcome = present(cluster, name, documents)
    assert not outcome.changed
    # One for the record, one LIST per kind, one for autoscalers; a new process needs two more for discovery.
    assert cluster.transport.requests - before == 1 + 5 + 1


def test_a_field_that_somebody_removed_comes_back(cluster: Cluster, name: str) -> None:
    documents = [namespace(name), config_map("a", {"x": "1"})]
    present(cluster, name, documents)
    cluster.apply(
        {**config_map("a", {"x": "9"}), "metadata": {"name": "a", "namespace": name}}, manager="someone", force=True
    )
    settled_by = (
        r"data\.x is set by someone\. To leave them to someone: ignore_fields: .*/data/x.*force_conflicts: true"
    )
    with pytest.raises(ReleaseError, match=settled_by):
        present(cluster, name, documents)
    outcome = present(cluster, name, documents, force_conflicts=True)
    assert names(outcome.configured) == [f"ConfigMap {name}/a"]
    assert cluster.get("v1", "ConfigMap", "a", name)["data"] == {"x": "1"}


def test_what_somebody_else_applied_alike_is_adopted_without_force(cluster: Cluster, name: str) -> None:
    workload = deployment("app", replicas=1)
    container = workload["spec"]["template"]["spec"]["containers"][0]
    # The server completes both: apiVersion of the fieldRef, and another way to write the quantity.
    container["env"] = [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]
    container["resources"] = {"limits": {"cpu": "1000m"}}
    cluster.apply(namespace(name), manager="someone")
    theirs = {**workload, "metadata": {"name": "app", "namespace": name}}
    cluster.apply(theirs, manager="someone")
    assert names(present(cluster, name, [workload]).configured) == [f"Deployment {name}/app"]
    assert not present(cluster, name, [workload]).changed
    workload["spec"]["replicas"] = 3
    with pytest.raises(ReleaseError, match=r"spec\.replicas is set by someone"):
        present(cluster, name, [workload])


@pytest.mark.parametrize("verb", ["create", "apply"])
def test_what_somebody_else_has_alike_comes_back_whole(cluster: Cluster, name: str, verb: str) -> None:
    """Adopting takes no field from its owner, and giving back leaves every field: kubectl create, Helm."""
    workload = deployment("app", replicas=1)
    container = workload["spec"]["template"]["spec"]["containers"][0]
    container["env"] = [{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]
    container["resources"] = {"limits": {"cpu": "1000m"}}
    cluster.apply(namespace(name), manager="someone")
    theirs = {**workload, "metadata": {"name": "app", "namespace": name}}
    before = getattr(cluster, verb)(theirs, manager="someone")
    predicted = present(cluster, name, [workload], check_mode=True)
    assert names(predicted.configured) == [f"Deployment {name}/app"] and not predicted.plan.steps[0].takes
    present(cluster, name, [workload])
    assert not present(cluster, name, [workload]).changed
    assert not present(cluster, name, [workload], force_conflicts=True).changed
    absent(cluster, name)
    after = live(cluster, theirs)
    assert after["spec"] == before["spec"]
    assert not [entry for entry in after["metadata"]["managedFields"] if entry["manager"].startswith("selfhosted")]


@pytest.mark.parametrize("form", ["stored", "lost"])
def test_who_manages_an_adopted_object_stays_said(cluster: Cluster, name: str, form: str) -> None:
    """Helm refuses what does not say that Helm manages it."""
    helms = {"app.kubernetes.io/managed-by": "Helm"}
    theirs = [within(config_map("a", {"x": "1"}), name, labels=helms), document("v1", "Namespace", name)]
    theirs[1]["metadata"]["labels"] = helms
    for item in reversed(theirs):
        cluster.apply(item, manager="helm")
    wanted = [namespace(name), config_map("a", {"x": "1"})]
    assert len(present(cluster, name, wanted).configured) == 2
    assert not present(cluster, name, wanted).changed
    later = f"{name}-later"
    present(cluster, later, [namespace(name), config_map("b", {})], namespace=name)
    if form == "lost":
        cluster.delete("v1", "ConfigMap", f"release-{name}", "kube-system")
    assert deleted(absent(cluster, name)) == []
    assert deleted(absent(cluster, later)) == [f"ConfigMap {name}/b"]
    for item in theirs:
        after = live(cluster, item)["metadata"]
        kept = {key: value for key, value in after["labels"].items() if key != "kubernetes.io/metadata.name"}
        assert kept == helms and "annotations" not in after


def test_a_status_written_by_a_controller_is_no_change(cluster: Cluster, name: str) -> None:
    documents = [namespace(name), deployment("app", replicas=1)]
    present(cluster, name, documents)
    changed = [namespace(name), deployment("app", replicas=1, image="example.org/app:2")]
    assert names(present(cluster, name, changed).configured) == [f"Deployment {name}/app"]
    time.sleep(0.5)  # let the controllers write
    assert not present(cluster, name, changed).changed


def test_definitions_before_their_objects(cluster: Cluster, name: str) -> None:
    group = f"{name}.example.org"
    documents = [
        document(f"{group}/v1", "Widget", "w", spec={"size": 3}),
        definition(group, "Widget"),
        namespace(name),
    ]
    predicted = present(cluster, name, documents, check_mode=True)
    outcome = present(cluster, name, documents)
    assert names(predicted.created) == names(outcome.created)
    assert cluster.get(f"{group}/v1", "Widget", "w", name)["spec"] == {"size": 3}
    assert not present(cluster, name, documents).changed
    assert len(deleted(absent(cluster, name))) == 3


def test_an_unknown_kind_is_named(cluster: Cluster, name: str) -> None:
    documents = [namespace(name), document("nowhere.example.org/v1", "Thing", "t", spec={})]
    documents[1]["metadata"]["namespace"] = name
    assert present(cluster, name, documents, check_mode=True).changed
    with pytest.raises(ReleaseError, match=r"does not serve Thing of nowhere.example.org/v1"):
        present(cluster, name, documents)


def test_pruning_takes_what_is_no_longer_there(cluster: Cluster, name: str) -> None:
    present(cluster, name, [namespace(name), config_map("a", {}), config_map("b", {})])
    smaller = [namespace(name), config_map("a", {})]
    for check_mode in (True, False):
        assert names(present(cluster, name, smaller, check_mode).deleted) == [f"ConfigMap {name}/b"]
    assert cluster.get("v1", "ConfigMap", "b", name) is None
    assert not present(cluster, name, smaller).changed


def test_pruning_spares_what_is_not_ours_any_more(cluster: Cluster, name: str) -> None:
    present(cluster, name, [namespace(name), namespace(f"{name}-2"), config_map("a", {}), config_map("b", {})])
    live = cluster.get("v1", "ConfigMap", "b", name)
    del live["metadata"]["labels"]["serverless.selfhosted/release"]
    cluster.transport.call("PUT", f"/api/v1/namespaces/{name}/configmaps/b", body=live)
    outcome = present(cluster, name, [namespace(name), config_map("a", {})])
    assert names(outcome.deleted) == [f"Namespace {name}-2"], "it was ours, and nothing is in it"
    assert cluster.get("v1", "ConfigMap", "b", name)


def test_a_run_that_dies_forgets_nothing(
    proxied: Cluster, fault_proxy: FaultProxy, cluster: Cluster, name: str
) -> None:
    fault_proxy.faults.append(Fault("PATCH", r"configmaps/b\?(?!.*dryRun)", 500, times=1000))
    with pytest.raises(ReleaseError, match="ConfigMap .*/b: injected"):
        present(proxied, name, [namespace(name), config_map("a", {}), config_map("b", {})], seconds=3)
    outcome = present(cluster, name, [namespace(name)])
    assert names(outcome.deleted) == [f"ConfigMap {name}/a"]


def test_another_releases_object_is_not_taken(cluster: Cluster, name: str) -> None:
    present(cluster, name, [namespace(name), config_map("a", {})])
    with pytest.raises(ReleaseError, match=rf"belongs to the release '{name}' of this collection"):
        present(cluster, f"{name}-other", [config_map("a", {})], namespace=name)


def test_a_copy_with_our_labels_is_adopted(cluster: Cluster, name: str) -> None:
    """A new version wants an object of that name; before, somebody has made one from another of ours."""
    present(cluster, name, [namespace(name), config_map("a", {"x": "1"})])
    labels = live(cluster, within(config_map("a", {}), name))["metadata"]["labels"]
    theirs = within(config_map("b", {"x": "1", "mine": "2"}), name, labels=labels)
    cluster.apply(theirs, manager="someone")
    wanted = [namespace(name), config_map("a", {"x": "1"}), config_map("b", {"x": "1"})]
    assert [step.action for step in present(cluster, name, wanted).plan.steps if step.ref.name == "b"] == ["adopt"]
    assert deleted(absent(cluster, name)) == [f"ConfigMap {name}/a"]
    assert live(cluster, theirs)["data"] == {"x": "1", "mine": "2"}


def test_unknown_field_is_refused_at_once_with_advice(cluster: Cluster, name: str) -> None:
    wrong = {**config_map("a", {}), "datta": {"x": "1"}}
    started = time.monotonic()
    with pytest.raises(ReleaseError, match=rf"ConfigMap {name}/a.*datta.*Correct the field"):
        present(cluster, name, [namespace(name), wrong])
    assert time.monotonic() - started < 15


def test_replicas_belong_to_the_autoscaler(cluster: Cluster, name: str) -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "app"}
    autoscaler = document(
        "autoscaling/v2", "HorizontalPodAutoscaler", "app", spec={"scaleTargetRef": target, "maxReplicas": 5}
    )
    documents = [namespace(name), deployment("app", replicas=1), autoscaler]
    present(cluster, name, documents)
    scale = {"spec": {"replicas": 3}}
    cluster.transport.call(
        "PATCH",
        f"/apis/apps/v1/namespaces/{name}/deployments/app/scale",
        query={"fieldManager": "autoscaler"},
        body=scale,
        content_type="application/merge-patch+json",
    )
    assert not present(cluster, name, documents).changed
    assert cluster.get("apps/v1", "Deployment", "app", name)["spec"]["replicas"] == 3


def test_ignored_fields_are_left_alone(cluster: Cluster, name: str) -> None:
    ignore = [{"match": {"kind": "ConfigMap", "name": "a*"}, "pointers": ["/data/theirs"]}]
    documents = [namespace(name), config_map("abc", {"ours": "1", "theirs": "1"})]
    present(cluster, name, documents, ignore_fields=ignore)
    assert cluster.get("v1", "ConfigMap", "abc", name)["data"] == {"ours": "1"}


def test_differences_show_owned_fields_and_no_secret(cluster: Cluster, name: str) -> None:
    present(cluster, name, [namespace(name), config_map("a", {"x": "1"}), secret("s", {"password": "canary-one"})])
    changed = [namespace(name), config_map("a", {"x": "2"}), secret("s", {"password": "canary-two"})]
    for check_mode in (True, False):
        shown = {entry["before_header"]: entry for entry in present(cluster, name, changed, check_mode).differences}
        assert "x: '1'" in shown[f"ConfigMap {name}/a"]["before"] and "x: '2'" in shown[f"ConfigMap {name}/a"]["after"]
        entry = shown[f"Secret {name}/s"]
        assert "fingerprint" in entry["before"] and entry["before"] != entry["after"]
        assert "Y2FuYXJ5" not in str(shown) and "canary" not in str(shown)


def test_webhook_configurations_wait_for_their_server(cluster: Cluster, name: str) -> None:
    webhook = {
        "name": f"check.{name}.example.org",
        "clientConfig": {"service": {"name": "hook", "namespace": name}},
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "failurePolicy": "Ignore",
    }
    documents = [
        namespace(name),
        document("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", name, webhooks=[webhook]),
        document("v1", "Service", "hook", spec={"ports": [{"port": 443}]}),
    ]
    assert len(present(cluster, name, documents, check_mode=True).created) == 3
    with pytest.raises(WaitError, match=rf"Service {name}/hook: endpoints: no ready endpoint"):
        present(cluster, name, documents, seconds=3)
    assert cluster.get("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", name) is None

    endpoint_slice = document(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        "hook-1",
        addressType="IPv4",
        endpoints=[{"addresses": ["10.0.0.1"]}],
        ports=[{"port": 443}],
    )
    endpoint_slice["metadata"] |= {"namespace": name, "labels": {"kubernetes.io/service-name": "hook"}}
    threading.Timer(1, cluster.apply, [endpoint_slice]).start()
    assert f"ValidatingWebhookConfiguration {name}" in names(present(cluster, name, documents).created)
    assert not present(cluster, name, documents).changed
