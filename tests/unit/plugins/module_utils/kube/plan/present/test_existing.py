"""A component that somebody else has installed: adopted, used as it is, or refused."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ReleaseError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.present.existing import ExistingPolicy
from releases import absent, config_map, deployment, names, namespace, present
from standing import live, until, within


def policy_of(name: str, policy: str, **options: Any) -> ExistingPolicy:
    mark = {"api_version": "apps/v1", "kind": "Deployment", "label_selector": f"component={name}"}
    serves = {
        "api_version": "v1",
        "kind": "ConfigMap",
        "namespace": name,
        "name": "serving",
        "expression": "data.ready",
    }
    return ExistingPolicy(policy, [mark], [serves], role="component", **options)


@pytest.fixture
def theirs(cluster: Cluster, name: str) -> dict[str, Any]:
    """A Deployment that somebody has applied."""
    cluster.apply(namespace(name), manager="someone")
    body = deployment("theirs")
    body["metadata"] |= {"namespace": name, "labels": {"component": name}}
    return cluster.apply(body, manager="someone")


def serve(cluster: Cluster, name: str) -> None:
    body = config_map("serving", {"ready": "yes"})
    body["metadata"]["namespace"] = name
    cluster.apply(body, manager="someone")


def wanted(name: str) -> list[dict[str, Any]]:
    body = deployment("theirs", image="example.org/ours:1")
    body["metadata"]["labels"] = {"component": name}
    return [namespace(name), body, config_map("beside", {})]


def untouched(cluster: Cluster, name: str, theirs: dict[str, Any]) -> bool:
    live = cluster.get("apps/v1", "Deployment", "theirs", name)
    return live["metadata"]["generation"] == theirs["metadata"]["generation"] and live["metadata"]["labels"] == {
        "component": name
    }


def test_it_is_used_where_it_serves(cluster: Cluster, name: str, theirs: dict[str, Any]) -> None:
    serve(cluster, name)
    for check_mode in (True, False):
        outcome = present(cluster, name, wanted(name), check_mode, existing=policy_of(name, "auto"))
        assert not outcome.changed and outcome.wait == []
        assert "used as it is (component_existing)" in "\n".join(outcome.plan.lines())
    assert untouched(cluster, name, theirs)
    assert cluster.get("v1", "ConfigMap", f"release-{name}", "kube-system") is None


def test_it_is_refused_where_it_does_not_serve(cluster: Cluster, name: str, theirs: dict[str, Any]) -> None:
    for check_mode in (True, False):
        with pytest.raises(ReleaseError, match=r"does not serve: .*it does not exist.*component_existing: adopt"):
            present(cluster, name, wanted(name), check_mode, existing=policy_of(name, "auto"))
    assert untouched(cluster, name, theirs)


def test_stop_refuses_and_leave_leaves_it(cluster: Cluster, name: str, theirs: dict[str, Any]) -> None:
    with pytest.raises(ReleaseError, match="set component_existing to adopt or leave"):
        present(cluster, name, wanted(name), existing=policy_of(name, "stop"))
    assert not present(cluster, name, wanted(name), existing=policy_of(name, "leave")).changed
    assert untouched(cluster, name, theirs)


@pytest.mark.parametrize("policy", ["auto", "stop"])
def test_adopting_is_no_remedy_where_it_is_none(
    cluster: Cluster, name: str, theirs: dict[str, Any], policy: str
) -> None:
    with pytest.raises(ReleaseError, match="emove it") as refused:
        present(cluster, name, wanted(name), existing=policy_of(name, policy, adoptable=False))
    assert "adopt" not in str(refused.value)


def test_what_is_ours_is_applied_beside_it(cluster: Cluster, name: str, theirs: dict[str, Any]) -> None:
    ours = [{"kind": "ConfigMap", "name": "beside"}]
    policy = policy_of(name, "leave", ours=ours)
    assert names(present(cluster, name, wanted(name), existing=policy).created) == [f"ConfigMap {name}/beside"]
    assert not present(cluster, name, wanted(name), existing=policy).changed
    assert untouched(cluster, name, theirs)


def test_an_adopted_one_is_ours_to_set_and_given_back(cluster: Cluster, name: str, theirs: dict[str, Any]) -> None:
    policy = policy_of(name, "adopt")
    outcome = present(cluster, name, wanted(name), existing=policy, force_conflicts=True)
    assert f"Deployment {name}/theirs" in names(outcome.configured)
    assert not present(cluster, name, wanted(name), existing=policy_of(name, "auto")).changed, "it is ours by now"
    absent(cluster, name)
    live = cluster.get("apps/v1", "Deployment", "theirs", name)
    assert live["metadata"]["uid"] == theirs["metadata"]["uid"]
    assert "serverless.selfhosted/release" not in live["metadata"]["labels"]


def test_nobody_there_is_a_plain_install(cluster: Cluster, name: str) -> None:
    assert len(present(cluster, name, wanted(name), existing=policy_of(name, "auto")).created) == 3
    assert not present(cluster, name, wanted(name), existing=policy_of(name, "stop")).changed


def test_a_second_one_beside_ours_changes_nothing(cluster: Cluster, name: str) -> None:
    """Such as an istiod of another revision: ours is not taken away for it."""
    policy = policy_of(name, "auto")
    present(cluster, name, wanted(name), existing=policy)
    elsewhere = f"{name}-canary"
    cluster.apply(namespace(elsewhere), manager="someone")
    cluster.apply(within(deployment("theirs"), elsewhere, labels={"component": name}), manager="someone")
    for one in ("auto", "leave", "stop"):
        assert not present(cluster, name, wanted(name), existing=policy_of(name, one)).changed


def test_one_in_the_place_of_ours_is_somebody_elses(cluster: Cluster, name: str) -> None:
    """Who took ours away and installed another one of the same name is asked, and our parts stay until then."""
    present(cluster, name, wanted(name), existing=policy_of(name, "auto"))
    cluster.delete("apps/v1", "Deployment", "theirs", name)
    theirs = within(deployment("theirs"), name, labels={"component": name})
    until(lambda: live(cluster, theirs) is None)
    cluster.apply(theirs, manager="someone")
    with pytest.raises(ReleaseError, match=rf"Deployment {name}/theirs: somebody else has installed it"):
        present(cluster, name, wanted(name), existing=policy_of(name, "stop"))
    with pytest.raises(ReleaseError, match=rf"ConfigMap {name}/beside: it is part of our own installation"):
        present(cluster, name, wanted(name), existing=policy_of(name, "leave"))
    assert live(cluster, theirs)["metadata"]["labels"] == {"component": name}


def test_what_an_operator_makes_is_used_and_never_adopted(cluster: Cluster, name: str, theirs: dict[str, Any]) -> None:
    operator = {"api_version": "v1", "kind": "ConfigMap", "label_selector": f"operates={name}"}
    body = config_map("operated", {})
    body["metadata"] |= {"namespace": name, "labels": {"operates": name}}
    cluster.apply(body, manager="someone")
    adopting = policy_of(name, "adopt", operators=[operator])
    with pytest.raises(ReleaseError, match="would undo what adopting does") as refused:
        present(cluster, name, wanted(name), existing=adopting)
    assert f"ConfigMap {name}/operated" in str(refused.value) and "component_existing: auto" in str(refused.value)
    assert untouched(cluster, name, theirs)
    with pytest.raises(ReleaseError, match="does not serve") as refused:
        present(cluster, name, wanted(name), existing=policy_of(name, "auto", operators=[operator]))
    assert "Mend or remove it" in str(refused.value) and "adopt" not in str(refused.value)
    serve(cluster, name)
    outcome = present(cluster, name, wanted(name), existing=policy_of(name, "auto", operators=[operator]))
    assert not outcome.changed and untouched(cluster, name, theirs)


def test_what_an_operator_has_made_of_ours_is_no_installation_of_somebody_else(cluster: Cluster, name: str) -> None:
    """Its Deployment has the mark, and none of our labels: its owner is what tells."""
    ours = [namespace(name), config_map("operated", {})]
    present(cluster, name, ours)
    owner = live(cluster, within(ours[1], name))
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "operated", "uid": owner["metadata"]["uid"]}
    made = within(deployment("made"), name, labels={"component": name}, ownerReferences=[reference])
    cluster.apply(made, manager="operator")
    outcome = present(cluster, name, ours, existing=policy_of(name, "stop"))
    assert not outcome.changed and not outcome.left
    cluster.apply(within(deployment("beside"), name, labels={"component": name}), manager="someone")
    assert not present(cluster, name, ours, existing=policy_of(name, "stop")).left, (
        "a second one is none of our business"
    )


def test_what_others_must_have_is_asked_for_before_the_installation_alone(cluster: Cluster, name: str) -> None:
    need = {
        "api_version": "v1", "kind": "ConfigMap", "namespace": "default", "name": name, "label_selector": "catalog=a",
        "expression": "data.channel == 'stable'", "what": "the catalog has no such package", "remedy": "Mend it",
    }  # fmt: skip
    policy = policy_of(name, "auto", needs=[need])
    package = within(config_map(name, {"channel": "stable"}), "default")

    def refused() -> None:
        for check_mode in (True, False):
            with pytest.raises(ReleaseError, match=r"the catalog has no such package.*Mend it"):
                present(cluster, name, wanted(name), check_mode, existing=policy)
        assert cluster.get("v1", "Namespace", name) is None

    refused()
    cluster.apply(within(package, "default", labels={"catalog": "b"}), manager="someone")
    refused()
    cluster.apply(
        {**within(package, "default", labels={"catalog": "a"}), "data": {"channel": "fast"}}, manager="someone"
    )
    refused()
    cluster.apply(within(package, "default", labels={"catalog": "a"}), manager="someone")
    assert present(cluster, name, wanted(name), existing=policy).changed
    cluster.delete("v1", "ConfigMap", name, "default")
    assert not present(cluster, name, wanted(name), existing=policy).changed


def test_what_others_must_not_have_is_named_where_it_is(cluster: Cluster, name: str) -> None:
    need = {
        "api_version": "v1", "kind": "ConfigMap", "namespace": "default", "name": f"{name}*", "state": "absent",
        "expression": f"metadata.name != '{name}'", "what": "there is a second one", "remedy": "Remove it",
    }  # fmt: skip
    policy = policy_of(name, "auto", needs=[need])
    for suffix in ("", "-2"):
        cluster.apply(within(config_map(f"{name}{suffix}", {}), "default"), manager="someone")
    for check_mode in (True, False):
        with pytest.raises(ReleaseError, match=r"there is a second one.*Remove it"):
            present(cluster, name, wanted(name), check_mode, existing=policy)
    assert cluster.get("v1", "Namespace", name) is None
    cluster.delete("v1", "ConfigMap", f"{name}-2", "default")
    assert present(cluster, name, wanted(name), existing=policy).changed


def test_a_kind_that_is_not_served_meets_no_need(cluster: Cluster, name: str) -> None:
    need = {"api_version": "none.example/v1", "kind": "Package", "name": "a", "what": "no catalog", "remedy": "Get one"}
    with pytest.raises(ReleaseError, match="no catalog"):
        present(cluster, name, wanted(name), existing=policy_of(name, "auto", needs=[need]))
