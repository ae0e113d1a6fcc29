"""Releases that leave beside the others: at the same time, and with the same care."""

from __future__ import annotations

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ReleaseError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.leaving.rehearsal import AbsentOptions
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.plan import Plan
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.remove.absent import remove_releases
from releases import config_map, definition, deleted, document, namespace, present
from standing import stand, within

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


def platform_and_user(cluster: Cluster, name: str) -> tuple[str, str, str]:
    """A platform, what it is built on, and a user of its kind who has a ConfigMap that is held."""
    ground, platform, user = name, f"{name}-2", f"{name}-3"
    group = f"{name}.example.org"
    stand(cluster, ground, [namespace(ground), within(config_map("a", {}), ground)])
    settings = within(config_map("a", {}), platform)
    stand(cluster, platform, [namespace(platform), definition(group, "Widget"), settings], requires=(ground,))
    stand(cluster, f"{name}-4", [namespace(f"{name}-4"), within(config_map("a", {}), f"{name}-4")])
    widget = within(document(f"{group}/v1", "Widget", "theirs"), user)
    stand(cluster, user, [namespace(user), widget, within(held("a"), user)], requires=(platform,))
    return user, platform, ground


def test_a_platform_waits_only_for_the_custom_resources_of_its_users(cluster: Cluster, name: str) -> None:
    user, platform, ground = platform_and_user(cluster, name)
    unrelated = f"{name}-4"
    with pytest.raises(ReleaseError, match=f"ConfigMap {user}/a: held by example.org/hold"):
        removed(cluster, user, platform, ground, unrelated, beside="", impatient=(user,))
    assert not is_there(cluster, platform) and not is_there(cluster, ground)
    assert is_there(cluster, unrelated), "that has nothing to do with the user waits until all of it is gone"
    let_go(cluster, user)
    removed(cluster, user, platform, ground, unrelated, beside="")
    assert not is_there(cluster, user) and not is_there(cluster, unrelated)


def test_a_custom_resource_of_a_user_that_is_held_keeps_the_platform(cluster: Cluster, name: str) -> None:
    user, platform, ground = platform_and_user(cluster, name)
    path = f"/apis/{name}.example.org/v1/namespaces/{user}/widgets/theirs"
    merge = "application/merge-patch+json"
    cluster.transport.call("PATCH", path, body={"metadata": {"finalizers": HELD}}, content_type=merge)
    with pytest.raises(ReleaseError, match=f"Widget {user}/theirs: held by example.org/hold"):
        removed(cluster, user, platform, ground, beside="", impatient=(user,))
    assert is_there(cluster, platform) and is_there(cluster, ground)
    cluster.transport.call("PATCH", path, body={"metadata": {"finalizers": None}}, content_type=merge)
    let_go(cluster, user)
    for one in (user, platform, ground, f"{name}-4"):
        removed(cluster, one, beside="")


def test_a_release_that_is_not_there_holds_nobody_up(cluster: Cluster, name: str) -> None:
    user, platform, ground = platform_and_user(cluster, name)
    listed = (user, f"{name}-none", platform, ground)
    with pytest.raises(ReleaseError, match=f"ConfigMap {user}/a: held by example.org/hold"):
        removed(cluster, *listed, beside="", impatient=(user,))
    assert not is_there(cluster, platform) and not is_there(cluster, ground)
    let_go(cluster, user)
    removed(cluster, *listed, beside="")
    assert not is_there(cluster, user)


def test_a_refusal_names_the_releases_that_are_there(cluster: Cluster, name: str) -> None:
    user, platform, ground = platform_and_user(cluster, name)
    with pytest.raises(ReleaseError, match=f"^release '{platform}' is not removed, nothing was changed"):
        removed(cluster, f"{name}-none", platform, beside="")
    with pytest.raises(ReleaseError, match=f"^none of the releases '{platform}', '{ground}' is removed"):
        removed(cluster, f"{name}-none", platform, ground, beside="")
    let_go(cluster, user)
    removed(cluster, user, platform, ground, f"{name}-4", beside="")
