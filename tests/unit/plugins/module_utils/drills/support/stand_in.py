"""The application's objects on an API server that has no node: the test is the kubelet, the page server the pods."""

from __future__ import annotations

import threading
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ApiError
from releases import deployment, document, namespace

MERGE = "application/merge-patch+json"
READY = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}


def install(cluster: Cluster, home: str, node_port: int) -> None:
    """Apply namespace, Deployment, Service (node port) and autoscaler of web as the role does."""
    web = deployment("web")
    web["spec"]["template"]["spec"]["containers"][0]["env"] = [
        {"name": "RULE_URL", "value": "http://rule"},
        {"name": "AN_EARLIER_LETTER", "value": "kept in its place"},
    ]
    port = {"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080, "nodePort": node_port}
    scaler = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        "minReplicas": 1,
        "maxReplicas": 3,
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 30}},
            }
        ],
    }
    for item in (
        namespace(home),
        web,
        document("v1", "Service", "web", spec={"type": "NodePort", "selector": {"app": "web"}, "ports": [port]}),
        document("autoscaling/v2", "HorizontalPodAutoscaler", "web", spec=scaler),
    ):
        if item["kind"] != "Namespace":
            item["metadata"]["namespace"] = home
        cluster.apply(item)


class Kubelet:
    """Makes pods ready as they come, and lets deleted ones go, until `stop`. `lame` ones never become ready."""

    def __init__(self, cluster: Cluster, home: str) -> None:
        self.cluster, self.home = cluster, home
        self.lame = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Kubelet:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            for pod in self.cluster.list("v1", "Pod", self.home):
                self._care_for(pod)

    def _care_for(self, pod: dict[str, Any]) -> None:
        path = f"/api/v1/namespaces/{self.home}/pods/{pod['metadata']['name']}"
        try:
            if pod["metadata"].get("deletionTimestamp"):
                self.cluster.transport.call("DELETE", path, query={"gracePeriodSeconds": 0})
            elif not pod["status"].get("conditions") and not self.lame:
                self.cluster.transport.call("PATCH", f"{path}/status", body={"status": READY}, content_type=MERGE)
        except ApiError as error:
            if error.status != 404:
                raise
