"""What a diagnosis finds behind objects on a real API server; the test plays kubelet, scheduler and provisioner."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import WaitError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.causes import Finding
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.diagnosis import Diagnosis
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.evidence import Evidence
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.targets import Target
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.waiting import wait_for
from api_server import ApiServer
from limited_user import limited
from releases import definition, deployment, document, namespace
from standing import until

MERGE = "application/merge-patch+json"
CRASHING = {
    "phase": "Running",
    "containerStatuses": [
        {
            "name": "main",
            "image": "example.org/app:1",
            "imageID": "",
            "ready": False,
            "restartCount": 9,
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}},
        }
    ],
}


@pytest.fixture
def home(cluster: Cluster, name: str) -> str:
    cluster.apply(namespace(name), manager="someone")
    return name


def put(cluster: Cluster, home: str, item: dict[str, Any]) -> dict[str, Any]:
    item["metadata"]["namespace"] = home
    return cluster.apply(item, manager="someone")


def pods_of(cluster: Cluster, home: str, image: str = "", count: int = 1) -> list[dict[str, Any]]:
    """The pods that the controllers make, with an image."""
    limit = Deadline(20)
    while not limit.passed:
        pods = cluster.list("v1", "Pod", home)
        found = [pod for pod in pods if image in pod["spec"]["containers"][0]["image"]]
        if len(found) >= count:
            return found
        time.sleep(0.1)
    raise AssertionError("the pods did not come")


def set_status(cluster: Cluster, kind: str, item: dict[str, Any], status: dict[str, Any]) -> None:
    metadata = item["metadata"]
    path = f"{cluster.resource(item['apiVersion'], kind).path(metadata.get('namespace'), metadata['name'])}/status"
    cluster.transport.call("PATCH", path, body={"status": status}, content_type=MERGE)


def tell(
    cluster: Cluster,
    home: str,
    about: dict[str, Any],
    reason: str,
    message: str,
    field: str = "",
    kind: str = "Warning",
) -> None:
    """An event, as a kubelet or controller makes it."""
    metadata = about["metadata"]
    involved = {"kind": about["kind"], "namespace": home, "name": metadata["name"], "uid": metadata["uid"]}
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    body = {
        **document("v1", "Event", f"{metadata['name']}.{time.monotonic_ns():x}"),
        "involvedObject": {**involved, "fieldPath": field},
        "reason": reason,
        "message": message,
        "type": kind,
        "firstTimestamp": now,
        "lastTimestamp": now,
    }
    cluster.transport.call("POST", f"/api/v1/namespaces/{home}/events", body=body)


def look(cluster: Cluster, target: Target) -> list[Finding]:
    return Diagnosis(cluster, 60).look(target, Evidence(cluster))


def rollout(home: str, kind: str = "Deployment") -> Target:
    return Target("apps/v1", kind, home, "app", condition="rollout")


def backing_off(message: str = 'Back-off pulling image "example.org/app:1"') -> dict[str, Any]:
    state = {"waiting": {"reason": "ImagePullBackOff", "message": message}}
    entry = {"name": "main", "image": "example.org/app:1", "imageID": "", "ready": False, "restartCount": 0}
    return {"phase": "Pending", "containerStatuses": [{**entry, "state": state}]}


def test_a_back_off_of_an_older_kubelet_is_explained_by_the_event(cluster: Cluster, home: str) -> None:
    put(cluster, home, deployment("app", replicas=1))
    (pod,) = pods_of(cluster, home)
    set_status(cluster, "Pod", pod, backing_off())
    assert [finding.cause for finding in look(cluster, rollout(home))] == ["image-unclear"]
    tell(cluster, home, pod, "Failed", "Error: ImagePullBackOff", "spec.containers{main}")
    words = 'Failed to pull image "example.org/app:1": rpc error: code = NotFound desc = example.org/app:1: not found'
    tell(cluster, home, pod, "Failed", words, "spec.containers{main}")
    (found,) = look(cluster, rollout(home))
    assert found.cause == "image-refused" and "code = NotFound" in found.what


def test_the_cause_of_a_pull_is_remembered_when_the_kubelet_stops_saying_it(cluster: Cluster, home: str) -> None:
    put(cluster, home, deployment("app", replicas=1))
    (pod,) = pods_of(cluster, home)
    diagnosis, target = Diagnosis(cluster, 60), rollout(home)
    set_status(
        cluster, "Pod", pod, backing_off("unexpected status from HEAD request to https://r/v2/x: 502 Bad Gateway")
    )
    assert diagnosis.look(target, Evidence(cluster))[0].cause == "registry-away"
    set_status(cluster, "Pod", pod, backing_off())
    (found,) = diagnosis.look(target, Evidence(cluster))
    assert found.cause == "registry-away" and "502 Bad Gateway" in found.what


def test_a_volume_without_its_secret_is_found_in_the_events(cluster: Cluster, home: str) -> None:
    put(cluster, home, deployment("app", replicas=1))
    (pod,) = pods_of(cluster, home)
    creating = {"waiting": {"reason": "ContainerCreating"}}
    entry = {"name": "main", "image": "x", "imageID": "", "ready": False, "restartCount": 0, "state": creating}
    set_status(cluster, "Pod", pod, {"phase": "Pending", "containerStatuses": [entry]})
    tell(cluster, home, pod, "FailedMount", 'MountVolume.SetUp failed for volume "tls" : secret "tls" not found')
    (found,) = look(cluster, rollout(home))
    assert found.cause == "object-missing" and 'secret "tls" not found' in found.what


def _wants_pods(cluster: Cluster, home: str) -> bool:
    """Whether the controller has seen the node; until then a DaemonSet wants none, and is up."""
    live = cluster.get("apps/v1", "DaemonSet", "app", home) or {}
    return bool((live.get("status") or {}).get("desiredNumberScheduled"))


def refuse_pods(cluster: Cluster, home: str) -> None:
    """A quota of no pods, in force."""
    put(cluster, home, document("v1", "ResourceQuota", "none", spec={"hard": {"pods": "0"}}))
    until(lambda: cluster.get("v1", "ResourceQuota", "none", home).get("status", {}).get("hard"))


@pytest.mark.parametrize("kind", ["Deployment", "StatefulSet", "DaemonSet", "Job"])
def test_refused_pods_are_told_whatever_makes_them(cluster: Cluster, home: str, kind: str) -> None:
    refuse_pods(cluster, home)
    item = deployment("app")
    item["kind"] = kind
    target = rollout(home, kind)
    if kind == "Job":
        spec = {**item["spec"]["template"]["spec"], "restartPolicy": "Never"}
        item = document("batch/v1", "Job", "app", spec={"template": {"spec": spec}})
        target = Target("batch/v1", "Job", home, "app", condition="Complete")
    if kind == "DaemonSet":
        node = document("v1", "Node", home)
        cluster.apply(node, manager="someone")
    put(cluster, home, item)
    if kind == "DaemonSet":
        until(lambda: _wants_pods(cluster, home))
    told: list[str] = []
    try:
        with pytest.raises(WaitError, match="exceeded quota: none"):
            wait_for(cluster, [target], Deadline(9), told.append)
    finally:
        if kind == "DaemonSet":
            cluster.delete("v1", "Node", home)
    assert any("exceeded quota" in line for line in told), told


def test_an_autoscaler_s_word_and_a_pull_under_way(cluster: Cluster, home: str) -> None:
    put(cluster, home, deployment("app", replicas=1))
    (pod,) = pods_of(cluster, home)
    message = "0/1 nodes are available: 1 Insufficient cpu."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    set_status(cluster, "Pod", pod, {"phase": "Pending", "conditions": [condition]})
    assert look(cluster, rollout(home))[0].cause == "no-room"
    tell(cluster, home, pod, "TriggeredScaleUp", "pod triggered scale-up: [{pool 1->2 (max: 3)}]", kind="Normal")
    (found,) = look(cluster, rollout(home))
    assert found.cause == "node-is-coming" and "pool 1->2" in found.what
    set_status(cluster, "Pod", pod, {"phase": "Pending", "conditions": [{**condition, "status": "True"}]})
    tell(cluster, home, pod, "Pulling", 'Pulling image "example.org/app:1"', kind="Normal")
    (found,) = look(cluster, rollout(home))
    assert found.cause == "image-on-its-way" and "Pulling image" in found.what


def test_what_is_mended_by_now_is_waited_for(cluster: Cluster, home: str) -> None:
    """A kubelet tries to mount again after up to two minutes, a controller after up to a quarter of an hour."""
    put(cluster, home, deployment("app", replicas=1))
    (pod,) = pods_of(cluster, home)
    creating = {"waiting": {"reason": "ContainerCreating"}}
    entry = {"name": "main", "image": "x", "imageID": "", "ready": False, "restartCount": 0, "state": creating}
    set_status(cluster, "Pod", pod, {"phase": "Pending", "containerStatuses": [entry]})
    tell(cluster, home, pod, "FailedMount", 'MountVolume.SetUp failed for volume "tls" : secret "tls" not found')
    assert look(cluster, rollout(home))[0].cause == "object-missing"
    put(cluster, home, document("v1", "Secret", "tls", stringData={"a": "b"}))
    (found,) = look(cluster, rollout(home))
    assert found.cause == "mended" and 'secret "tls" not found' in found.what


def over_quota(cluster: Cluster, home: str) -> None:
    """A deployment whose pod is refused by a quota."""
    refuse_pods(cluster, home)
    put(cluster, home, deployment("app", replicas=1))
    until(lambda: [finding.cause for finding in look(cluster, rollout(home))] == ["over-quota"])


def test_a_quota_that_has_room_by_now_is_waited_for(cluster: Cluster, api_server: ApiServer, home: str) -> None:
    over_quota(cluster, home)
    with api_server.controllers_asleep():
        quota = cluster.get("v1", "ResourceQuota", "none", home)
        set_status(cluster, "ResourceQuota", quota, {"hard": {"pods": "1"}, "used": {"pods": "1"}})
        assert [finding.cause for finding in look(cluster, rollout(home))] == ["over-quota"]
        set_status(cluster, "ResourceQuota", quota, {"hard": {"pods": "1"}, "used": {"pods": "0"}})
        (found,) = look(cluster, rollout(home))
        assert found.cause == "mended" and "exceeded quota: none" in found.what


def test_what_may_not_be_read_is_gone_without(
    cluster: Cluster, api_server: ApiServer, home: str, tmp_path: Path
) -> None:
    """Who may read workloads and pods alone is told what these say: not whether it is mended, nor what nodes have."""
    rules = [
        {"apiGroups": ["apps"], "resources": ["deployments", "replicasets"], "verbs": ["get", "list"]},
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
    ]
    user = limited(cluster, api_server, tmp_path, f"{home}-user", *rules)
    over_quota(cluster, home)
    with api_server.controllers_asleep():
        cluster.delete("v1", "ResourceQuota", "none", home)
        assert [finding.cause for finding in look(cluster, rollout(home))] == ["mended"]
        assert [finding.cause for finding in look(user, rollout(home))] == ["over-quota"]

    cluster.delete("apps/v1", "Deployment", "app", home)
    until(lambda: not cluster.list("apps/v1", "ReplicaSet", home))
    put(cluster, home, deployment("app", replicas=1))
    (pod,) = pods_of(cluster, home)
    message = "0/1 nodes are available: 1 Insufficient cpu."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    set_status(cluster, "Pod", pod, {"phase": "Pending", "conditions": [condition]})
    tell(cluster, home, pod, "TriggeredScaleUp", "pod triggered scale-up: [{pool 1->2 (max: 3)}]", kind="Normal")
    assert [finding.cause for finding in look(cluster, rollout(home))] == ["node-is-coming"]
    assert [finding.cause for finding in look(user, rollout(home))] == ["no-room"]


def test_pods_that_a_newer_version_replaces_do_not_end_a_wait_for_their_service(cluster: Cluster, home: str) -> None:
    service = document("v1", "Service", "app", spec={"selector": {"app": "app"}, "ports": [{"port": 80}]})
    put(cluster, home, service)
    put(cluster, home, deployment("app", replicas=1, image="example.org/app:1"))
    (former,) = pods_of(cluster, home, "app:1")
    set_status(cluster, "Pod", former, CRASHING)
    target = Target("v1", "Service", home, "app", condition="endpoints")
    with pytest.raises(WaitError, match="cannot come true: .*9 restarts"):
        wait_for(cluster, [target], Deadline(20), lambda line: None)
    put(cluster, home, deployment("app", replicas=1, image="example.org/app:2"))
    pods_of(cluster, home, "app:2")
    with pytest.raises(WaitError, match="not fulfilled after 6 s(.|\n)*9 restarts"):
        wait_for(cluster, [target], Deadline(6), lambda line: None)


def test_a_stateful_set_s_former_pods_are_told_but_end_nothing(cluster: Cluster, home: str) -> None:
    item = deployment("app", replicas=1)
    item["kind"] = "StatefulSet"
    item["spec"]["updateStrategy"] = {"type": "OnDelete"}
    put(cluster, home, item)
    (former,) = pods_of(cluster, home)
    set_status(cluster, "Pod", former, CRASHING)
    assert look(cluster, rollout(home, "StatefulSet"))[0].cause == "crash-loop"
    item["spec"]["template"]["spec"]["containers"][0]["image"] = "example.org/app:2"
    put(cluster, home, item)
    with pytest.raises(WaitError, match="not fulfilled after 6 s(.|\n)*9 restarts"):
        wait_for(cluster, [rollout(home, "StatefulSet")], Deadline(6), lambda line: None)


def test_a_claim_waits_for_its_provisioner(cluster: Cluster, home: str) -> None:
    made = document("storage.k8s.io/v1", "StorageClass", home, provisioner="slow.example.org")
    cluster.apply(made, manager="someone")
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
    put(cluster, home, document("v1", "PersistentVolumeClaim", "good", spec={**spec, "storageClassName": home}))
    put(cluster, home, document("v1", "PersistentVolumeClaim", "bad", spec={**spec, "storageClassName": "absent"}))

    def target(name: str) -> Target:
        return Target("v1", "PersistentVolumeClaim", home, name, expression="status.phase == 'Bound'")

    assert [finding.cause for finding in look(cluster, target("good"))] == ["claim-in-provision"]
    started = time.monotonic()
    with pytest.raises(WaitError, match="cannot come true: claim .*/bad: there is no storage class absent"):
        wait_for(cluster, [target("bad")], Deadline(30), lambda line: None)
    assert time.monotonic() - started < 25
    cluster.delete("storage.k8s.io/v1", "StorageClass", home)


def knative(cluster: Cluster) -> None:
    """Knative's kinds with a status of their own, also where tests before have left them without one."""
    for kind in ("Service", "Revision"):
        made = definition("serving.knative.dev", kind)
        made["spec"]["versions"][0]["subresources"] = {"status": {}}
        cluster.apply(made, force=True)
    limit = Deadline(20)
    while cluster.discovery.find("serving.knative.dev/v1", "Revision") is None and not limit.passed:
        time.sleep(0.2)
        cluster.discovery.refresh()


@pytest.mark.parametrize(
    ("words", "error"),
    [
        ("HEAD https://r.example/v2/app/manifests/1: unexpected status code 404 Not Found", "cannot come true"),
        ("HEAD https://r.example/v2/app/manifests/1: unexpected status code 503 Service Unavailable", "not fulfilled"),
    ],
)
def test_a_knative_revision_whose_image_cannot_be_fetched(cluster: Cluster, home: str, words: str, error: str) -> None:
    knative(cluster)
    api = "serving.knative.dev/v1"
    service = put(cluster, home, document(api, "Service", "web", spec={}))
    revision = put(cluster, home, document(api, "Revision", "web-00001", spec={}))
    message = f'Unable to fetch image "r.example/app:1": failed to resolve image to digest: {words}'
    gone_wrong = {"type": "Ready", "status": "False", "reason": "ContainerMissing", "message": message}
    set_status(cluster, "Revision", revision, {"observedGeneration": 1, "conditions": [gone_wrong]})
    not_ready = {"type": "Ready", "status": "False", "reason": "RevisionMissing", "message": "no"}
    status = {"observedGeneration": 1, "latestCreatedRevisionName": "web-00001", "conditions": [not_ready]}
    set_status(cluster, "Service", service, status)
    told: list[str] = []
    with pytest.raises(WaitError, match=f"{error}(.|\n)*Unable to fetch image"):
        wait_for(cluster, [Target(api, "Service", home, "web", condition="Ready")], Deadline(14), told.append)
    assert any("Unable to fetch image" in line for line in told)
