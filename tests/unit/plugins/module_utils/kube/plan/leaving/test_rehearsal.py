"""Several releases that leave in one run: planned as one, and refused as one."""

from __future__ import annotations

import threading

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ReleaseError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.plan import Plan
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.remove.absent import remove_releases
from fault_proxy import FaultProxy
from releases import (
    absent,
    config_map,
    definition,
    deleted,
    document,
    kept,
    namespace,
    rehearsed,
    removing,
    returned,
)
from standing import drop_finalizers, inventory_of, live, stand, within


@pytest.fixture
def group(name: str) -> str:
    return f"{name}.example.org"


def asking(home: str, name: str) -> dict:
    item = namespace(home)
    item["metadata"]["labels"] = {f"inject-{name}": "enabled"}
    return item


def rule(name: str) -> dict:
    what = "it asks for sidecars"
    return {"api_version": "v1", "kind": "Namespace", "label_selector": f"inject-{name}=enabled", "what": what}


def removed(cluster: Cluster, *releases: object) -> list[Plan]:
    return remove_releases(cluster, releases, lambda message: None)


@pytest.mark.parametrize("check_mode", [False, True])
def test_what_is_in_the_way_of_any_is_told_at_once_and_before_the_first_write(
    proxied: Cluster, fault_proxy: FaultProxy, name: str, group: str, check_mode: bool
) -> None:
    first, middle, last = f"{name}-1", f"{name}-2", f"{name}-3"
    stand(proxied, first, [namespace(first)], requires=(last,))
    stand(proxied, middle, [definition(group, "Widget")])
    stand(proxied, last, [namespace(last)])
    proxied.apply(within(document(f"{group}/v1", "Widget", "theirs"), "default"), manager="someone")
    proxied.apply(asking(f"{name}-shop", name), manager="someone")
    wanted = [removing(first), removing(middle), removing(last, dependents=[rule(name)])]
    fault_proxy.requests.clear()
    with pytest.raises(ReleaseError) as refused:
        remove_releases(proxied, wanted, lambda message: None, check_mode=check_mode)
    sentence, *obstacles = str(refused.value).splitlines()
    assert sentence == f"none of the releases '{first}', '{middle}', '{last}' is removed, nothing was changed:"
    assert len(obstacles) == 2, "a release that leaves before is none"
    assert "Widget default/theirs" in obstacles[0] and f"Namespace {name}-shop: it asks" in obstacles[1]
    assert fault_proxy.writes == []
    assert all(inventory_of(proxied, release) for release in (first, middle, last))
    proxied.delete(f"{group}/v1", "Widget", "theirs", "default")
    proxied.delete("v1", "Namespace", f"{name}-shop")
    removed(proxied, *wanted)
    assert not any(inventory_of(proxied, release) for release in (first, middle, last))


def test_many_obstacles_of_one_do_not_hide_those_of_another(cluster: Cluster, name: str, group: str) -> None:
    stand(cluster, f"{name}-1", [definition(group, "Widget")])
    stand(cluster, f"{name}-2", [within(config_map(f"a-{name}", {}), "default")])
    for number in range(23):
        cluster.apply(within(document(f"{group}/v1", "Widget", f"w-{number:02}"), "default"), manager="someone")
    cluster.apply(asking(f"{name}-shop", name), manager="someone")
    with pytest.raises(ReleaseError) as refused:
        rehearsed(cluster, removing(f"{name}-1"), removing(f"{name}-2", dependents=[rule(name)]))
    assert "- and 3 more\n- Namespace" in str(refused.value)
    cluster.delete("v1", "Namespace", f"{name}-shop")
    absent(cluster, f"{name}-1", purge=True)
    absent(cluster, f"{name}-2")


def test_the_order_counts(cluster: Cluster, name: str) -> None:
    """A release cannot go before one that needs it, although both go."""
    stand(cluster, f"{name}-1", [namespace(name)])
    stand(cluster, f"{name}-2", [within(config_map("a", {}), name)], requires=(f"{name}-1",))
    with pytest.raises(ReleaseError, match=f"release '{name}-2' needs it"):
        removed(cluster, removing(f"{name}-1"), removing(f"{name}-2"))
    assert inventory_of(cluster, f"{name}-1") and inventory_of(cluster, f"{name}-2")
    plans = removed(cluster, removing(f"{name}-2"), removing(f"{name}-1"))
    assert [deleted(plan) for plan in plans] == [[f"ConfigMap {name}/a"], [f"Namespace {name}"]]


@pytest.mark.parametrize("keep", [False, True])
def test_the_plan_is_what_happens(cluster: Cluster, name: str, group: str, keep: bool) -> None:
    """A namespace of two, one that passes on, one that a stranger is in, and kinds that the last release defines."""
    first, second, third = f"{name}-1", f"{name}-2", f"{name}-3"
    home, passed, shared = f"{name}-home", f"{name}-passed", f"{name}-shared"
    stand(cluster, third, [definition(group, "Widget"), namespace(home)])
    mine = within(document(f"{group}/v1", "Widget", "mine"), home)
    stand(cluster, first, [namespace(home), within(config_map("data", {}), home), mine, namespace(passed)])
    stand(cluster, second, [within(config_map("a", {}), passed), asking(shared, name)])
    cluster.apply(within(config_map("theirs", {}), shared), manager="someone")
    policy = {"keep": [{"kind": "ConfigMap", "name": "data"}]} if keep else {}
    wanted = [removing(first, **policy), removing(second), removing(third, dependents=[rule(name)])]
    told = rehearsed(cluster, *wanted)
    done = removed(cluster, *wanted)
    for before, after in zip(told, done, strict=True):
        assert [deleted(before), returned(before), kept(before)] == [deleted(after), returned(after), kept(after)]
    assert (f"Namespace {home}" in deleted(done[2])) is not keep, "what is kept keeps its namespace"
    assert f"Namespace {passed}" in deleted(done[1]) and f"Namespace {shared}" in returned(done[1])
    assert not any(plan.changes for plan in rehearsed(cluster, *wanted))
    absent(cluster, first)
    absent(cluster, third)


def test_what_an_earlier_removal_gives_back_is_in_the_way(cluster: Cluster, name: str, group: str) -> None:
    """An adopted object stays, and is of a kind that a later release defines: known before the first write."""
    stand(cluster, f"{name}-2", [definition(group, "Widget")])
    theirs = within(document(f"{group}/v1", "Widget", "theirs"), "default")
    cluster.apply(theirs, manager="someone")
    stand(cluster, f"{name}-1", [theirs])
    with pytest.raises(ReleaseError, match=r"Widget default/theirs"):
        removed(cluster, removing(f"{name}-1"), removing(f"{name}-2"))
    assert inventory_of(cluster, f"{name}-1") and live(cluster, theirs)
    removed(cluster, removing(f"{name}-1"), removing(f"{name}-2", purge=True))


def test_what_comes_while_an_earlier_release_goes_is_in_the_way(cluster: Cluster, name: str, group: str) -> None:
    first, second = f"{name}-1", f"{name}-2"
    stand(cluster, second, [definition(group, "Widget")])
    held = within(config_map(f"a-{name}", {}), "default", finalizers=["example.org/hold"])
    stand(cluster, first, [held])
    late = within(document(f"{group}/v1", "Widget", "late"), "default")

    def come() -> None:
        cluster.apply(late, manager="someone")
        drop_finalizers(cluster, held)

    threading.Timer(2, come).start()
    with pytest.raises(ReleaseError, match=rf"release '{second}' is not removed; .*\n- Widget default/late"):
        removed(cluster, removing(first), removing(second))
    assert inventory_of(cluster, first) is None and inventory_of(cluster, second) and live(cluster, late)
    absent(cluster, second, purge=True)


def test_data_is_named_before_anything_goes(proxied: Cluster, fault_proxy: FaultProxy, name: str) -> None:
    stand(proxied, name, [namespace(name), within(config_map("data", {}), name)], data=("data",))
    written_by_then: list[int] = []

    def tell(message: str) -> None:
        if "is deleted for good" in message:
            written_by_then.append(len(fault_proxy.writes))

    fault_proxy.requests.clear()
    remove_releases(proxied, [removing(name)], tell)
    assert written_by_then == [0]


def test_another_installation_counts_where_the_rule_says(cluster: Cluster, name: str) -> None:
    cluster.apply(namespace(f"{name}-else"), manager="someone")
    left = within(config_map("left", {}), f"{name}-else", labels={"residue": name})
    other = within(config_map("other", {}), f"{name}-else", labels={"product": name})
    cluster.apply(left, manager="controller")
    cluster.apply(other, manager="someone")
    kind = {"api_version": "v1", "kind": "ConfigMap"}
    unless = {**kind, "label_selector": f"product={name}"}
    for place, goes in ((f"{name}-e*", False), ("elsewhere", True)):
        stand(cluster, name, [within(config_map(f"a-{name}", {}), "default")])
        rules = [{**kind, "label_selector": f"residue={name}", "unless": {**unless, "namespace": place}}]
        plan = absent(cluster, name, residue=rules)
        assert (f"ConfigMap {name}-else/left" in deleted(plan)) is goes
