"""Releases that leave beside the others: at the same time, and with the same care."""

from __future__ import annotations

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ReleaseError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.leaving.rehearsal import AbsentOptions
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.plan import Plan
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.remove.absent import remove_releases
from releases import config_map, deleted, namespace, present

HELD = ["example.org/hold"]


def held(name: str) -> dict:
    """A ConfigMap that stays until somebody lets it go."""
    item = config_map(name, {})
    return {**item, "metadata": {**item["metadata"], "finalizers": HELD}}


def release(cluster: Cluster, name: str, item: dict, requires: tuple[str, ...] = ()) -> None:
    """A release of one object, in a namespace of somebody's: it is gone as soon as nothing holds it."""
    cluster.apply(namespace(name), manager="someone")
    present(cluster, name, [item], namespace=name, requires=requires)


def is_there(cluster: Cluster, name: str) -> bool:
    return cluster.get("v1", "ConfigMap", "a", name) is not None


def let_go(cluster: Cluster, name: str) -> None:
    cluster.transport.call(
        "PATCH",
        f"/api/v1/namespaces/{name}/configmaps/a",
        body={"metadata": {"finalizers": None}},
        content_type="application/merge-patch+json",
    )


def removed(cluster: Cluster, *names: str, beside: str, impatient: tuple[str, ...] = ()) -> list[Plan]:
    options = [AbsentOptions(name, seconds=3 if name in impatient else 60, beside=name == beside) for name in names]
    return remove_releases(cluster, options, lambda line: None)


def test_plans_come_in_the_order_of_the_list(cluster: Cluster, name: str) -> None:
    first, second = name, f"{name}-2"
    release(cluster, first, config_map("a", {}))
    release(cluster, second, config_map("a", {}))
    plans = removed(cluster, first, second, beside=second)
    assert [plan.release for plan in plans] == [first, second]
    assert [deleted(plan) for plan in plans] == [[f"ConfigMap {first}/a"], [f"ConfigMap {second}/a"]]
    assert not is_there(cluster, first) and not is_there(cluster, second)
    assert [plan.changes for plan in removed(cluster, first, second, beside=second)] == [False, False]


def test_it_does_not_wait_for_those_before_it(cluster: Cluster, name: str) -> None:
    first, second = name, f"{name}-2"
    release(cluster, first, held("a"))
    release(cluster, second, config_map("a", {}))
    with pytest.raises(ReleaseError, match=f"ConfigMap {first}/a: held by example.org/hold"):
        removed(cluster, first, second, beside=second, impatient=(first,))
    assert not is_there(cluster, second)
    let_go(cluster, first)
    removed(cluster, first, second, beside=second)
    assert not is_there(cluster, first)


def test_all_that_fails_is_told(cluster: Cluster, name: str) -> None:
    first, second = name, f"{name}-2"
    release(cluster, first, held("a"))
    release(cluster, second, held("a"))
    with pytest.raises(ReleaseError) as caught:
        removed(cluster, first, second, beside=second, impatient=(first, second))
    for one in (first, second):
        assert f"ConfigMap {one}/a: held by example.org/hold" in str(caught.value)
        let_go(cluster, one)
    removed(cluster, first, second, beside=second)


def test_what_it_needs_waits_for_it(cluster: Cluster, name: str) -> None:
    needed, user = name, f"{name}-2"
    release(cluster, needed, config_map("a", {}))
    release(cluster, user, held("a"), requires=(needed,))
    with pytest.raises(ReleaseError, match=f"ConfigMap {user}/a: held by example.org/hold"):
        removed(cluster, user, needed, beside=user, impatient=(user,))
    assert is_there(cluster, needed), "what is needed has not begun to leave"
    let_go(cluster, user)
    removed(cluster, user, needed, beside=user)
    assert not is_there(cluster, needed)


def test_a_blocker_of_either_stops_both_before_anything_changes(cluster: Cluster, name: str) -> None:
    first, second = name, f"{name}-2"
    release(cluster, first, config_map("a", {}))
    release(cluster, second, config_map("a", {}))
    release(cluster, f"{name}-3", config_map("a", {}), requires=(second,))
    with pytest.raises(ReleaseError, match="nothing was changed"):
        removed(cluster, first, second, beside=second)
    assert is_there(cluster, first) and is_there(cluster, second)
    for one in (f"{name}-3", second, first):
        removed(cluster, one, beside="")
