"""A site's objects on an API server without nodes: the test is the kubelet."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ApiError
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.scene import Scene
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.settings import Settings
from releases import deployment, document, namespace

MERGE = "application/merge-patch+json"
Document = dict[str, Any]


def scene(cluster: Cluster, told: list[str] | None = None, **settings: Any) -> Scene:
    """A new scene, which has read nothing yet; `told` takes its lines of progress."""
    return Scene(cluster, Settings(**settings), (told if told is not None else []).append, "kubectl --context test")


def put(cluster: Cluster, item: Document, home: str = "") -> Document:
    """Apply an object as somebody else."""
    if home:
        if cluster.get("v1", "Namespace", home) is None:
            cluster.apply(namespace(home), manager="someone")
        item["metadata"]["namespace"] = home
    return cluster.apply(item, manager="someone", force=True)


def set_status(cluster: Cluster, item: Document, status: Document) -> None:
    """Write an object's status, as its controller or kubelet does."""
    metadata = item["metadata"]
    path = cluster.resource(item["apiVersion"], item["kind"]).path(metadata.get("namespace"), metadata["name"])
    cluster.transport.call("PATCH", f"{path}/status", body={"status": status}, content_type=MERGE)


def node(
    cluster: Cluster,
    name: str,
    ready: str = "True",
    system: str = "linux",
    runtime: str = "containerd://2.4.2",
    **labels: str,
) -> Document:
    """A node of whose kubelet this was heard last."""
    made = put(cluster, {**document("v1", "Node", name), "metadata": {"name": name, "labels": labels}})
    info = {
        "architecture": "amd64",
        "operatingSystem": system,
        "kubeletVersion": "v1.36.3",
        "containerRuntimeVersion": runtime,
        "bootID": "",
        "kernelVersion": "6.1",
        "kubeProxyVersion": "",
        "machineID": "",
        "osImage": "Debian",
        "systemUUID": "",
    }
    condition = {"type": "Ready", "status": ready, "reason": "KubeletSaysSo", "message": "as it was told"}
    set_status(cluster, made, {"nodeInfo": info, "conditions": [condition]})
    return made


def remove(cluster: Cluster, api_version: str, kind: str, *names: str, home: str | None = None) -> None:
    """Delete objects and wait until they are gone."""
    for name in names:
        cluster.delete(api_version, kind, name, home)
    until(lambda: not any(cluster.get(api_version, kind, name, home) for name in names))


def running(cluster: Cluster, home: str, name: str, ready: bool = True, **labels: str) -> Document:
    """A Deployment whose one pod is ready, or never gets so, as its kubelet says."""
    wanted = deployment(name, 1)
    wanted["metadata"]["labels"] = labels
    made = put(cluster, wanted, home)
    until(lambda: pods_of(cluster, home, name))
    if ready:
        until(lambda: _is_available(cluster, home, name))
    return made


def _is_available(cluster: Cluster, home: str, name: str) -> bool:
    """Say Ready of the pods that are there; one of a Deployment before it may be among them, and go."""
    for pod in pods_of(cluster, home, name):
        if not pod["metadata"].get("deletionTimestamp") and (pod.get("status") or {}).get("phase") != "Running":
            try:
                set_status(cluster, pod, {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]})
            except ApiError as error:
                if error.status not in (404, 409):
                    raise
    live = cluster.get("apps/v1", "Deployment", name, home) or {}
    return bool((live.get("status") or {}).get("availableReplicas"))


def pods_of(cluster: Cluster, home: str, name: str) -> list[Document]:
    """The pods of a Deployment."""
    return [
        {"apiVersion": "v1", "kind": "Pod", **pod}
        for pod in cluster.list("v1", "Pod", home, label_selector=f"app={name}")
    ]


def scale(cluster: Cluster, home: str, name: str, replicas: int) -> None:
    """What kubectl scale does."""
    path = f"/apis/apps/v1/namespaces/{home}/deployments/{name}/scale"
    cluster.transport.call("PATCH", path, body={"spec": {"replicas": replicas}}, content_type=MERGE)


def until(condition: Callable[[], object], seconds: float = 120) -> None:
    limit = Deadline(seconds)
    while not condition():
        assert not limit.passed, "it did not come true"
        time.sleep(0.05)


def stamp(moment: datetime) -> str:
    """A time as the API writes it, with microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
