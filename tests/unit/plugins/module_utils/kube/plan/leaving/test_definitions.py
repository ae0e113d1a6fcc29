"""CRDs that leave with a release: what others have of their kinds forbids it, or is purged first."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ReleaseError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.inventory import Inventory
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.leaving.planner import (
    LeavingPolicy,
    plan_leaving,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.plan import Action
from fault_proxy import FaultProxy
from releases import absent, config_map, definition, deleted, deployment, document, kept, namespace, rehearsed, removing
from standing import await_kind, drop_finalizers, inventory_of, live, stand, until, within


@pytest.fixture
def group(name: str) -> str:
    return f"{name}.example.org"


def widget(group: str, name: str, home: str = "default", kind: str = "Widget") -> dict:
    return within(document(f"{group}/v1", kind, name), home)


def owned_by(item: dict, owner: dict) -> dict:
    reference = {key: owner[key] for key in ("apiVersion", "kind")} | {
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {**item, "metadata": {**item["metadata"], "ownerReferences": [reference]}}


def stand_with_kinds(cluster: Cluster, name: str, group: str, **options: object) -> None:
    kinds = [definition(group, "Widget"), definition(group, "Part")]
    things = [within(deployment("controller", replicas=0), name), widget(group, "ours", name)]
    stand(cluster, name, [namespace(name), *kinds, *things], **options)


def family(cluster: Cluster, group: str, top: str) -> dict:
    """A widget of the user that owns two parts, one of which owns another."""
    widget_there = cluster.apply(widget(group, top), manager="someone")
    first = cluster.apply(owned_by(widget(group, f"{top}-1", kind="Part"), widget_there), manager="controller")
    cluster.apply(owned_by(widget(group, f"{top}-2", kind="Part"), first), manager="controller")
    return widget_there


@pytest.mark.parametrize("form", ["new", "old", "none"])
@pytest.mark.parametrize("check_mode", [True, False])
def test_objects_of_others_forbid_the_removal_before_any_write(
    proxied: Cluster, fault_proxy: FaultProxy, name: str, group: str, form: str, check_mode: bool
) -> None:
    stand_with_kinds(proxied, name, group, form=form)
    family(proxied, group, "theirs")
    fault_proxy.requests.clear()
    with pytest.raises(ReleaseError) as refused:
        absent(proxied, name, check_mode=check_mode)
    told = str(refused.value)
    assert told.startswith(f"release '{name}' is not removed, nothing was changed:\n")
    assert told.count("\n") == 1, "one line for the root, none for what it owns"
    assert f"Widget default/theirs ({group}), with 2 object(s) that it owns" in told
    assert "_purge: true" in told
    assert not fault_proxy.writes
    # The garbage collector takes up to 30 s to learn of a new kind, so the user deletes them one by one.
    for item in proxied.list(f"{group}/v1", "Part", "default") + [widget(group, "theirs")]:
        proxied.delete(f"{group}/v1", item["kind"], item["metadata"]["name"], "default")
    assert absent(proxied, name, check_mode=True).changes


def test_an_owned_object_whose_root_is_not_ours_forbids_it_too(cluster: Cluster, name: str, group: str) -> None:
    """The root is of no kind of the release."""
    stand_with_kinds(cluster, name, group)
    root = cluster.apply(within(config_map(f"root-{name}", {}), "default"), manager="someone")
    cluster.apply(owned_by(widget(group, "theirs"), root), manager="someone")
    with pytest.raises(ReleaseError, match=rf"Widget default/theirs \({group}\) of ConfigMap default/root-{name}"):
        absent(cluster, name, check_mode=True)
    cluster.delete(f"{group}/v1", "Widget", "theirs", "default")
    assert absent(cluster, name, check_mode=True).changes


def test_what_our_own_objects_own_goes_with_them(cluster: Cluster, name: str, group: str) -> None:
    stand_with_kinds(cluster, name, group)
    ours = live(cluster, widget(group, "ours", name))
    cluster.apply(owned_by(widget(group, "below", name, kind="Part"), ours), manager="controller")
    workload = cluster.get("apps/v1", "Deployment", "controller", name)
    cluster.apply(owned_by(widget(group, "of-controller", name, kind="Part"), workload), manager="controller")
    plan = absent(cluster, name)
    assert len(deleted(plan)) == 5 and not plan.blockers
    cluster.discovery.refresh()
    assert cluster.discovery.find(f"{group}/v1", "Part") is None
    assert inventory_of(cluster, name) is None


def test_purge_names_and_deletes_what_others_have(cluster: Cluster, name: str, group: str) -> None:
    stand_with_kinds(cluster, name, group)
    family(cluster, group, "theirs")
    for check_mode in (True, False):
        plan = absent(cluster, name, purge=True, check_mode=check_mode)
        assert "Widget default/theirs" in deleted(plan)
        assert f"Widget default/theirs ({group}), with 2 object(s) that it owns" in plan.warnings[0]
    cluster.discovery.refresh()
    assert cluster.discovery.find(f"{group}/v1", "Widget") is None


@pytest.mark.parametrize("purge", [True, False])
def test_a_release_that_says_so_is_needed(cluster: Cluster, name: str, purge: bool) -> None:
    cluster.apply(namespace(name), manager="someone")
    stand(cluster, name, [within(config_map("a", {}), name)])
    stand(cluster, f"{name}-web", [within(config_map("b", {}), name)], requires=("other", name))
    needed = f"release '{name}-web' needs it. Remove that first: .*uninstall --tags {name.replace('-', '_')}_web"
    with pytest.raises(ReleaseError, match=needed):
        absent(cluster, name, purge=purge)
    assert cluster.get("v1", "ConfigMap", "a", name)
    assert rehearsed(cluster, removing(f"{name}-web"), removing(name, purge=purge))[1].changes
    with pytest.raises(ReleaseError, match=needed):
        rehearsed(cluster, removing(name, purge=purge), removing(f"{name}-web"))
    absent(cluster, f"{name}-web")
    assert absent(cluster, name).changes


@pytest.mark.parametrize("purge", [True, False])
def test_a_release_of_an_old_inventory_is_needed_by_its_objects(
    cluster: Cluster, name: str, group: str, purge: bool
) -> None:
    stand_with_kinds(cluster, name, group, form="old")
    other = f"{name}-web"
    stand(cluster, other, [widget(group, "theirs"), widget(group, "more")], form="old")
    parent = live(cluster, widget(group, "theirs"))
    cluster.apply(owned_by(widget(group, "below", kind="Part"), parent), manager="controller")
    with pytest.raises(ReleaseError) as refused:
        absent(cluster, name, purge=purge)
    assert str(refused.value).count("\n") == 1 and f"release '{other}' needs it" in str(refused.value)
    assert rehearsed(cluster, removing(other), removing(name, purge=purge))[1].changes, "they are regarded as gone"
    absent(cluster, other)
    cluster.delete(f"{group}/v1", "Part", "below", "default")
    absent(cluster, name)


def test_everything_that_forbids_it_is_told_at_once(cluster: Cluster, name: str, group: str) -> None:
    stand_with_kinds(cluster, name, group)
    stand(cluster, f"{name}-web", [within(config_map(f"{name}-web", {}), "default")], requires=(name,))
    for number in range(25):
        cluster.apply(widget(group, f"theirs-{number:02}"), manager="someone")
    with pytest.raises(ReleaseError) as refused:
        absent(cluster, name)
    told = str(refused.value)
    assert "release 't-" in told and "Widget default/theirs-00" in told and "- and 6 more" in told
    assert kept(absent(cluster, f"{name}-web")) == []
    absent(cluster, name, purge=True)


@pytest.mark.parametrize("leaving", [True, False])
def test_a_crd_that_a_new_version_no_longer_has_stays_while_it_is_used(
    cluster: Cluster, name: str, group: str, leaving: bool
) -> None:
    """By others, or by the release itself."""
    documents = [namespace(name), definition(group, "Widget"), definition(group, "Part"), widget(group, "ours", name)]
    own = stand(cluster, name, documents)
    if leaving:
        cluster.apply(widget(group, "theirs"), manager="someone")
    gone = [entry for entry in own.entries if group in entry.ref.name or (leaving and entry.ref.kind == "Widget")]
    plan = plan_leaving(cluster, own, [], gone, LeavingPolicy(whole=False), Deadline(30))
    assert kept(plan) == [f"CustomResourceDefinition widgets.{group}"] and not plan.blockers
    assert f"CustomResourceDefinition parts.{group}" in deleted(plan)
    absent(cluster, name, purge=True)


def test_a_crd_stays_with_an_object_of_ours_that_is_kept(cluster: Cluster, name: str, group: str) -> None:
    stand_with_kinds(cluster, name, group)
    keep = [{"kind": "Widget"}]
    plan = absent(cluster, name, keep=keep)
    assert kept(plan) == [f"CustomResourceDefinition widgets.{group}", f"Namespace {name}", f"Widget {name}/ours"]
    assert not absent(cluster, name, keep=keep).changes
    absent(cluster, name)


def test_an_adopted_crd_is_given_back_and_its_users_are_told(cluster: Cluster, name: str, group: str) -> None:
    cluster.apply(definition(group, "Widget"), manager="someone")
    await_kind(cluster, f"{group}/v1", "Widget")
    cluster.apply(widget(group, "theirs"), manager="someone")
    stand(cluster, name, [definition(group, "Widget"), namespace(name)])
    plan = absent(cluster, name)
    assert deleted(plan) == [f"Namespace {name}"]
    assert (
        f"Widget default/theirs ({group})" in plan.warnings[0] and "lose the release's controllers" in plan.warnings[0]
    )
    assert live(cluster, widget(group, "theirs"))
    cluster.delete("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"widgets.{group}")


def test_a_crd_that_is_held_while_its_controllers_are_gone_needs_them_back(
    cluster: Cluster, name: str, group: str
) -> None:
    """As a removal by the former version left it: the run says what to do, and does not wait for what cannot come."""
    stand(cluster, name, [namespace(name), definition(group, "Widget"), within(config_map("a", {}), name)])
    held = cluster.apply(widget(group, "theirs") | {}, manager="someone")
    held["metadata"] = {"name": "theirs", "namespace": "default", "finalizers": ["example.org/hold"]}
    cluster.apply({key: held[key] for key in ("apiVersion", "kind", "metadata")}, manager="controller")
    cluster.delete("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"widgets.{group}")
    until(lambda: (live(cluster, widget(group, "theirs")) or {})["metadata"].get("deletionTimestamp"))
    with pytest.raises(ReleaseError) as refused:
        absent(cluster, name)
    told = str(refused.value)
    assert f"CustomResourceDefinition widgets.{group}: is being deleted and cannot go" in told
    assert "Widget default/theirs (held by example.org/hold)" in told and "Run site.yml" in told
    assert cluster.get("v1", "ConfigMap", "a", name)

    stand(cluster, f"{name}-x", [], form="none")
    own = inventory_of(cluster, name)
    plan = plan_leaving(cluster, own, [], own.entries, LeavingPolicy(whole=False), Deadline(30))
    assert [step.reason for step in plan.of(Action.WAIT_GONE)][0].count("held by example.org/hold") == 1
    drop_finalizers(cluster, widget(group, "theirs"))
    until(lambda: cluster.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"widgets.{group}") is None)
    assert absent(cluster, name).changes


def test_no_inventory_and_no_label_means_that_nothing_is_done(cluster: Cluster, name: str) -> None:
    rules = [{"api_version": "v1", "kind": "ConfigMap", "name": f"root-{name}"}]
    root = within(config_map(f"root-{name}", {}), "default")
    cluster.apply(root, manager="pilot-discovery")
    plan = absent(cluster, name, residue=rules)
    assert not plan.steps and not plan.warnings
    assert live(cluster, root)
    own = Inventory(name)
    assert not plan_leaving(cluster, own, [], [], LeavingPolicy(residue=rules), Deadline(30)).steps


def test_a_rehearsal_regards_objects_of_kinds_that_are_gone_as_gone(cluster: Cluster, name: str, group: str) -> None:
    """With purge they are; the objects that they own are of the next release's kinds."""
    stand_with_kinds(cluster, name, group)
    second, its_group = f"{name}-2", f"second.{group}"
    stand(cluster, second, [definition(its_group, "Route")])
    theirs = cluster.apply(widget(group, "theirs"), manager="someone")
    cluster.apply(owned_by(widget(its_group, "of-theirs", kind="Route"), theirs), manager="controller")
    with pytest.raises(ReleaseError, match=r"Route default/of-theirs .* of Widget default/theirs"):
        absent(cluster, second, check_mode=True)
    assert rehearsed(cluster, removing(name, purge=True), removing(second))[1].changes
    cluster.delete(f"{its_group}/v1", "Route", "of-theirs", "default")
    cluster.delete(f"{group}/v1", "Widget", "theirs", "default")
    assert absent(cluster, second).changes


def test_a_crd_stays_with_what_the_objects_of_others_own(cluster: Cluster, name: str, group: str) -> None:
    """A new version has neither kind any more; the parts belong to a widget of the user."""
    own = stand(cluster, name, [definition(group, "Widget"), definition(group, "Part")])
    family(cluster, group, "theirs")
    plan = plan_leaving(cluster, own, [], own.entries, LeavingPolicy(whole=False), Deadline(30))
    both = [f"CustomResourceDefinition parts.{group}", f"CustomResourceDefinition widgets.{group}"]
    assert kept(plan) == both and not deleted(plan)
    for kind, wanted in (("Part", "theirs-2"), ("Part", "theirs-1"), ("Widget", "theirs")):
        cluster.delete(f"{group}/v1", kind, wanted, "default")
    assert deleted(absent(cluster, name)) == both


def test_a_crd_whose_objects_cannot_be_listed_is_not_deleted(cluster: Cluster, name: str, group: str) -> None:
    """Its objects are stored all the same, and would go with it unseen."""
    widgets = definition(group, "Widget")
    stand(cluster, name, [widgets])
    await_kind(cluster, f"{group}/v1", "Widget")
    cluster.apply(within(document(f"{group}/v1", "Widget", "theirs"), "default"), manager="someone")
    serve(cluster, widgets, False)
    for check_mode in (True, False):
        with pytest.raises(ReleaseError, match=rf"nothing was changed:\n- .* widgets\.{group}: none of its versions"):
            absent(cluster, name, check_mode=check_mode)
    serve(cluster, widgets, True)
    with pytest.raises(ReleaseError, match="Widget default/theirs"):
        absent(cluster, name)
    absent(cluster, name, purge=True)


def serve(cluster: Cluster, item: dict[str, Any], is_served: bool) -> None:
    version = {**item["spec"]["versions"][0], "served": is_served}
    path = cluster.resource(item["apiVersion"], item["kind"]).path(None, item["metadata"]["name"])
    patch = {"spec": {"versions": [version]}}
    cluster.transport.call("PATCH", path, body=patch, content_type="application/merge-patch+json")

    def is_so() -> bool:
        cluster.discovery.refresh()
        found = cluster.discovery.find(f"{item['spec']['group']}/v1", item["spec"]["names"]["kind"])
        return (found is not None) is is_served

    until(is_so)


def test_many_purged_objects_are_counted_and_the_first_named(cluster: Cluster, name: str, group: str) -> None:
    stand(cluster, name, [definition(group, "Widget")])
    await_kind(cluster, f"{group}/v1", "Widget")
    for number in range(23):
        cluster.apply(within(document(f"{group}/v1", "Widget", f"w-{number:02}"), "default"), manager="someone")
    plan = absent(cluster, name, purge=True, check_mode=True)
    told = [text for text in plan.warnings if text.startswith("23 object(s) of others")]
    assert told[0].endswith(" and 3 more") and "w-19" in told[0] and "w-20" not in told[0]
    assert len(deleted(plan)) == 24, "the plan has them all"
    absent(cluster, name, purge=True)
