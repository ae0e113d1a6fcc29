"""Pods of deployments that go get less time to end; those of others keep theirs. Against a real API server."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ReleaseError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.ownership import RELEASE_LABEL
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.leaving.policy import LeavingPolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.leaving.rehearsal import AbsentOptions
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.plan import Action, Step
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.remove.absent import remove_releases
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.remove.pods import pods_below
from releases import deployment, document, namespace
from standing import inventory_of, stand, within

NODE = "node-of-nobody"


@pytest.fixture(autouse=True)
def node(cluster: Cluster) -> Iterator[None]:
    """One without a kubelet. The garbage collector takes pods away whose node it does not find for 40 s."""
    cluster.apply(document("v1", "Node", NODE), manager="someone")
    yield
    cluster.delete("v1", "Node", NODE)


def on_a_node(app: str, name: str) -> dict:
    """Nobody runs its pods, and so nobody ends them: they stay as long as they were given, and longer."""
    item = within(deployment(app, replicas=1), name)
    item["spec"]["template"]["spec"] |= {"nodeName": NODE, "terminationGracePeriodSeconds": 300}
    return item


def pods(cluster: Cluster, name: str, count: int) -> list[dict]:
    deadline = Deadline(30)
    while len(found := cluster.list("v1", "Pod", name)) != count and not deadline.passed:
        time.sleep(0.1)
    assert len(found) == count
    return found


def times(cluster: Cluster, name: str) -> dict[str, int | None]:
    found = cluster.list("v1", "Pod", name)
    return {pod["metadata"]["labels"]["app"]: pod["metadata"].get("deletionGracePeriodSeconds") for pod in found}


def let_go(cluster: Cluster, name: str) -> None:
    for pod in cluster.list("v1", "Pod", name):
        cluster.delete("v1", "Pod", pod["metadata"]["name"], name, grace_seconds=0)


def remove(cluster: Cluster, name: str, grace_seconds: int | None = 5, seconds: float = 8) -> None:
    policy = LeavingPolicy(grace_seconds=grace_seconds)
    remove_releases(cluster, [AbsentOptions(name, policy, seconds=seconds)], lambda line: None)


def stand_among_others(cluster: Cluster, name: str, form: str = "new") -> None:
    cluster.apply(namespace(name), manager="someone")
    cluster.apply(on_a_node("theirs", name), manager="someone")
    stand(cluster, name, [on_a_node("ours", name)], form=form)
    pods(cluster, name, 2)


@pytest.mark.parametrize("grace_seconds", [5, None])
def test_pods_of_deployments_that_go_get_less_time(cluster: Cluster, name: str, grace_seconds: int | None) -> None:
    stand_among_others(cluster, name)
    with pytest.raises(ReleaseError, match="not gone after"):
        remove(cluster, name, grace_seconds)
    assert times(cluster, name) == {"ours": grace_seconds or 300, "theirs": None}
    let_go(cluster, name)
    remove(cluster, name, grace_seconds, seconds=30)
    assert inventory_of(cluster, name) is None


def test_a_removal_that_was_broken_off_is_gone_on_with(cluster: Cluster, name: str) -> None:
    """The pods have no owner any more, and the inventory knows them all the same."""
    stand_among_others(cluster, name)
    with pytest.raises(ReleaseError):
        remove(cluster, name)
    [left] = [pod for pod in cluster.list("v1", "Pod", name) if pod["metadata"]["labels"]["app"] == "ours"]
    assert not left["metadata"].get("ownerReferences")
    assert left["metadata"]["labels"][RELEASE_LABEL] == name
    assert ObjectRef.of(left) in inventory_of(cluster, name).refs
    kinds = [item["kind"] for kind in ("Deployment", "ReplicaSet") for item in cluster.list("apps/v1", kind, name)]
    assert kinds == ["Deployment", "ReplicaSet"], "those of the others"
    let_go(cluster, name)
    remove(cluster, name, seconds=30)
    assert inventory_of(cluster, name) is None
    assert set(times(cluster, name)) == {"theirs"}


def test_without_an_inventory_the_labels_tell(cluster: Cluster, name: str) -> None:
    stand_among_others(cluster, name, form="none")
    with pytest.raises(ReleaseError):
        remove(cluster, name)
    assert times(cluster, name) == {"ours": 5, "theirs": None}
    with pytest.raises(ReleaseError, match=f"Pod {name}/ours-"):
        remove(cluster, name)
    let_go(cluster, name)
    remove(cluster, name, seconds=30)
    assert inventory_of(cluster, name) is None


def test_the_pods_below_an_object_are_those_that_go_with_it(cluster: Cluster, name: str) -> None:
    stand_among_others(cluster, name)
    live = cluster.get("apps/v1", "Deployment", "ours", name)
    found = pods_below(cluster, [Step(Action.DELETE, ObjectRef.of(live), "it goes", live=live)], Deadline(30))
    assert found is not None
    assert [(step.action, step.ref.name[:5]) for step in found] == [(Action.WAIT_GONE, "ours-")]
