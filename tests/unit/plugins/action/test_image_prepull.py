"""image_prepull against a real API server, with nodes that no pod of ours is for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from api_server import ApiServer
from plays import play

ROW = {"image": "docker.io/library/a:1", "delivered": "docker.io/library/a:1", "prefetch": True}
HOLDER = {"image": "registry.k8s.io/pause:3", "delivered": "registry.k8s.io/pause:3", "prefetch": True}


def node(name: str, **metadata: Any) -> dict[str, Any]:
    info = {"architecture": "amd64", "operatingSystem": "linux", "containerRuntimeVersion": "containerd://2.4.2"}
    status = {"nodeInfo": info, "conditions": [{"type": "Ready", "status": "True"}]}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, **metadata}, "status": status}


def test_a_kwok_node_alone_is_refused_and_passed_over_beside_others(
    api_server: ApiServer, cluster: Cluster, name: str, tmp_path: Path
) -> None:
    arguments = {
        "context": "test",
        "kubeconfig": str(api_server.kubeconfig),
        "plan": [ROW, HOLDER],
        "holder": "registry.k8s.io/pause:3",
        "by": "auto",
        "namespace": name,
    }
    tasks = [{"selfhosted.serverless.image_prepull": arguments}]
    kwok, linux = f"{name}-kwok", f"{name}-linux"
    call = cluster.transport.call
    call("POST", "/api/v1/nodes", body=node(kwok, annotations={"kwok.x-k8s.io/node": "fake"}))
    try:
        refused, _output = play(tmp_path, tasks, "-v")
        assert f"no node of Linux has a kubelet that could pull images ({kwok} (KWOK))" in refused["msg"]
        call("POST", "/api/v1/nodes", body=node(linux))
        told, output = play(tmp_path, tasks, "-v")
        assert (told["by"], told["wait"]) == ("volumes", [])
        assert sorted(told["lacking"]) == [ROW["delivered"], HOLDER["delivered"]]
        assert f"not waited for: {kwok} (KWOK)" in output
    finally:
        for one in (kwok, linux):
            if cluster.get("v1", "Node", one):
                call("DELETE", f"/api/v1/nodes/{one}")
