"""Waiting for objects on a real API server; their status is written by the test, as controllers would."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import WaitError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.targets import Target, Verdict, judge
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.waiting import wait_for
from releases import config_map, definition, deployment, document, namespace

MERGE = "application/merge-patch+json"


@pytest.fixture
def home(cluster: Cluster, name: str) -> str:
    """A namespace of this test's own."""
    cluster.apply(namespace(name), manager="someone")
    return name


def put(cluster: Cluster, home: str, item: dict[str, Any]) -> dict[str, Any]:
    item["metadata"]["namespace"] = home
    return cluster.apply(item, manager="someone")


def set_status(cluster: Cluster, path: str, status: dict[str, Any]) -> None:
    cluster.transport.call("PATCH", f"{path}/status", body={"status": status}, content_type=MERGE)


def pod_of(cluster: Cluster, home: str, app: str) -> str:
    """Wait for the pod that the controllers make of a Deployment; its path."""
    limit = Deadline(20)
    while not limit.passed:
        pods = cluster.list("v1", "Pod", home, f"app={app}")
        if pods:
            return f"/api/v1/namespaces/{home}/pods/{pods[0]['metadata']['name']}"
        time.sleep(0.1)
    raise AssertionError("no pod came")


def waiting(reason: str, message: str = "", restarts: int = 0) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": message}}
    entry = {"name": "main", "image": "example.org/app:1", "imageID": "", "ready": False, "restartCount": restarts}
    return {"phase": "Pending", "containerStatuses": [{**entry, "state": state}]}


def wait(cluster: Cluster, target: Target, seconds: float = 30, **options: Any) -> float:
    started = time.monotonic()
    wait_for(cluster, [target], Deadline(seconds), lambda message: None, **options)
    return time.monotonic() - started


def rollout(home: str, name: str = "app") -> Target:
    return Target("apps/v1", "Deployment", home, name, condition="rollout")


def test_a_rollout_that_becomes_available(cluster: Cluster, home: str) -> None:
    put(cluster, home, deployment("app", replicas=1))
    path = pod_of(cluster, home, "app")
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    turned: list[float] = []

    def turn() -> None:
        turned.append(time.monotonic())  # first: the wait may end before the answer to this is read
        set_status(cluster, path, ready)

    threading.Timer(1.0, turn).start()
    wait(cluster, rollout(home))
    assert time.monotonic() - turned[0] < 8.0  # the controllers' own reaction is in this


def test_what_is_true_already_needs_one_request(cluster: Cluster, home: str) -> None:
    put(cluster, home, config_map("a", {"phase": "open"}))
    cluster.discovery.refresh()
    before = cluster.transport.requests
    wait(cluster, Target("v1", "ConfigMap", home, "a", expression="data.phase == 'open'"))
    assert cluster.transport.requests - before == 1


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        (None, "data.phase == 'open' is False"),
        ("data.why", "the key is lost"),
        ("data.nothing", "data.phase == 'open' is False"),
    ],
)
def test_an_expression_that_does_not_hold_says_why(reason: str | None, why: str) -> None:
    target = Target("v1", "ConfigMap", "home", "a", expression="data.phase == 'open'", reason=reason)
    assert judge(target, {"data": {"phase": "shut", "why": "the key is lost"}}) == Verdict(False, why)
    assert judge(target, {"data": {"phase": "open"}}).fulfilled


def test_an_expression_that_comes_true_is_seen_at_once(cluster: Cluster, home: str) -> None:
    put(cluster, home, config_map("a", {"phase": "shut"}))
    changed: list[float] = []

    def change() -> None:
        put(cluster, home, config_map("a", {"phase": "open"}))
        changed.append(time.monotonic())

    writer = threading.Timer(1.0, change)
    writer.start()
    wait(cluster, Target("v1", "ConfigMap", home, "a", expression="data.phase == 'open'"))
    seen = time.monotonic()
    writer.join()
    assert seen - changed[0] < 0.25


def test_a_condition_of_a_kind_that_is_not_there_yet(cluster: Cluster, home: str) -> None:
    group = f"{home}.example.org"

    def install() -> None:
        cluster.apply(definition(group, "Widget"), manager="someone")
        path = f"/apis/{group}/v1/namespaces/{home}/widgets"
        body = document(f"{group}/v1", "Widget", "w", status={"conditions": [{"type": "Ready", "status": "True"}]})
        cluster.transport.call("POST", path, body=body, retry_if=lambda error: True)

    threading.Timer(0.5, install).start()
    wait(cluster, Target(f"{group}/v1", "Widget", home, "w", condition="Ready"))


def test_absent_is_seen_when_the_last_one_goes(cluster: Cluster, home: str) -> None:
    item = config_map("a", {})
    item["metadata"]["labels"] = {"x": "y"}
    put(cluster, home, item)
    threading.Timer(0.5, cluster.delete, ["v1", "ConfigMap", "a", home]).start()
    wait(cluster, Target("v1", "ConfigMap", home, label_selector="x=y", condition="absent"))
    wait(cluster, Target("nowhere.example.org/v1", "Thing", home, "t", condition="absent"))


def test_the_message_at_the_limit(cluster: Cluster, home: str) -> None:
    put(cluster, home, deployment("app", replicas=2))
    set_status(cluster, pod_of(cluster, home, "app"), waiting("ErrImagePull", "no such image"))
    with pytest.raises(WaitError) as caught:
        wait(cluster, rollout(home), seconds=2)
    message = str(caught.value)
    assert f"Deployment {home}/app: rollout: 0 of 2 pods available" in message
    assert "cannot have its image example.org/app:1: ErrImagePull: no such image" in message
    assert f"more: kubectl -n {home} describe deployment.v1.apps app" in message


ABSENT_IMAGE = (
    'rpc error: code = NotFound desc = failed to pull and unpack image "example.org/app:1": failed to resolve '
    'reference "example.org/app:1": example.org/app:1: not found'
)
UNSCHEDULABLE = {
    "phase": "Pending",
    "conditions": [
        {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": "0/1 nodes are available: 1 Insufficient cpu.",
        }
    ],
}


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (
            waiting("ImagePullBackOff", f'Back-off pulling image "example.org/app:1": {ABSENT_IMAGE}'),
            "cannot have its image example.org/app:1: ImagePullBackOff",
        ),
        (waiting("CrashLoopBackOff", restarts=3), r"ends again and again \(3 restarts"),
        (UNSCHEDULABLE, "no node can take it: 0/1 nodes are available"),
    ],
)
def test_a_hopeless_state_ends_the_wait(cluster: Cluster, home: str, status: dict[str, Any], said: str) -> None:
    put(cluster, home, deployment("app", replicas=1))
    set_status(cluster, pod_of(cluster, home, "app"), status)
    started = time.monotonic()
    with pytest.raises(WaitError, match=rf"Deployment {home}/app: rollout cannot come true: pod {home}/app-.*{said}"):
        wait(cluster, rollout(home), seconds=60)
    assert time.monotonic() - started < 30


def test_a_full_node_is_not_hopeless_while_a_pod_is_leaving_it(cluster: Cluster, home: str) -> None:
    leaving = document("v1", "Pod", "old", spec={"containers": [{"name": "main", "image": "example.org/app:1"}]})
    leaving["metadata"]["finalizers"] = ["example.org/not-yet"]
    put(cluster, home, leaving)
    cluster.delete("v1", "Pod", "old", home)
    put(cluster, home, deployment("app", replicas=1))
    set_status(cluster, pod_of(cluster, home, "app"), UNSCHEDULABLE)
    with pytest.raises(WaitError, match="not fulfilled after 18 s"):
        wait(cluster, rollout(home), seconds=18)


@pytest.mark.parametrize(
    "status",
    [
        waiting("CrashLoopBackOff", restarts=1),
        waiting("ContainerCreating"),
        waiting("ErrImagePull", "unexpected status from HEAD request to https://r/v2/app/manifests/1: 503 Unavailable"),
    ],
)
def test_a_passing_state_does_not(cluster: Cluster, home: str, status: dict[str, Any]) -> None:
    put(cluster, home, deployment("app", replicas=1))
    set_status(cluster, pod_of(cluster, home, "app"), status)
    with pytest.raises(WaitError, match="not fulfilled after 7 s"):
        wait(cluster, rollout(home), seconds=7)


def test_a_trouble_that_comes_and_goes_starts_anew(cluster: Cluster, home: str) -> None:
    put(cluster, home, deployment("app", replicas=1))
    path = pod_of(cluster, home, "app")
    pull = waiting("ErrImagePull", ABSENT_IMAGE)
    for delay, status in zip((0, 4, 8), (pull, waiting("ContainerCreating"), pull), strict=True):
        threading.Timer(delay, set_status, [cluster, path, status]).start()
    with pytest.raises(WaitError, match="not fulfilled after 12 s"):
        wait(cluster, rollout(home), seconds=12)


def test_trouble_of_an_older_revision_does_not_count(cluster: Cluster, home: str) -> None:
    put(cluster, home, deployment("app", replicas=1))
    set_status(cluster, pod_of(cluster, home, "app"), waiting("CrashLoopBackOff", restarts=9))
    put(cluster, home, deployment("app", replicas=1, image="example.org/app:2"))
    with pytest.raises(WaitError, match="not fulfilled"):
        wait(cluster, rollout(home), seconds=8)


def test_a_failed_job_is_hopeless(cluster: Cluster, home: str) -> None:
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "example.org/app:1"}]}
    put(cluster, home, document("batch/v1", "Job", "job", spec={"backoffLimit": 0, "template": {"spec": pod}}))
    limit = Deadline(20)
    while not (pods := cluster.list("v1", "Pod", home, "job-name=job")) and not limit.passed:
        time.sleep(0.1)
    set_status(cluster, f"/api/v1/namespaces/{home}/pods/{pods[0]['metadata']['name']}", {"phase": "Failed"})
    with pytest.raises(WaitError, match=r"Job .*/job: Complete cannot come true: the job failed: BackoffLimitExceeded"):
        wait(cluster, Target("batch/v1", "Job", home, "job", condition="Complete"), seconds=30)


def test_contradictions_are_refused() -> None:
    with pytest.raises(WaitError, match="either name or label_selector"):
        Target.from_item({"api_version": "v1", "kind": "Pod"})
    with pytest.raises(WaitError, match="no valid JMESPath"):
        Target.from_item({"api_version": "v1", "kind": "Pod", "name": "x", "expression": "a["})
