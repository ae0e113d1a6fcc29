"""Pods of workloads that go get less time to end; those of others keep theirs. Against a real API server."""

from __future__ import annotations

import time

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.objects import ObjectRef
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.plan import Action, Step
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.remove.pods import Hastening
from releases import deployment, namespace


def on_a_node(item: dict) -> dict:
    """Nobody runs its pods, and so nobody ends them: they keep the time that they are given."""
    item["spec"]["template"]["spec"] |= {"nodeName": "nowhere", "terminationGracePeriodSeconds": 300}
    return item


def pods(cluster: Cluster, name: str, count: int) -> list[dict]:
    deadline = Deadline(30)
    while len(found := cluster.list("v1", "Pod", name)) < count and not deadline.passed:
        time.sleep(0.1)
    return found


def times(cluster: Cluster, name: str) -> dict[str, int | None]:
    found = cluster.list("v1", "Pod", name)
    return {pod["metadata"]["labels"]["app"]: pod["metadata"].get("deletionGracePeriodSeconds") for pod in found}


def test_pods_that_are_being_deleted_get_less_time(cluster: Cluster, name: str) -> None:
    cluster.apply(namespace(name), manager="someone")
    for app in ("ours", "theirs", "staying"):
        item = on_a_node(deployment(app, replicas=1))
        item["metadata"]["namespace"] = name
        cluster.apply(item, manager="someone")
    assert len(pods(cluster, name, 3)) == 3
    live = cluster.get("apps/v1", "Deployment", "ours", name)
    staying = cluster.get("apps/v1", "Deployment", "staying", name)
    steps = [Step(Action.DELETE, ObjectRef.of(item), "it goes", live=item) for item in (live, staying)]
    hastening = Hastening(cluster, steps, 5, Deadline(30))
    for app in ("ours", "theirs"):
        cluster.delete("apps/v1", "Deployment", app, name, propagation="Foreground")
    deadline = Deadline(30)
    while times(cluster, name) != {"ours": 5, "theirs": 300, "staying": None} and not deadline.passed:
        hastening.look()
        time.sleep(0.1)
    assert times(cluster, name) == {"ours": 5, "theirs": 300, "staying": None}
    for pod in cluster.list("v1", "Pod", name):
        cluster.delete("v1", "Pod", pod["metadata"]["name"], name, grace_seconds=0)
