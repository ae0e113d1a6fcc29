"""image_diagnose against a real API server, with a node that has no kubelet and a real containerd's configuration."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from api_server import ApiServer
from plays import play

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "module_utils" / "images" / "support"))

from containerd_process import find_containerd  # noqa: E402

POLICY = {"mirrors": {"docker.io": ["m.example/hub"]}}


@pytest.fixture
def node(cluster: Cluster) -> Iterator[str]:
    status = {
        "conditions": [{"type": "Ready", "status": "True"}],
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": 1}},
    }
    document = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "diagnosed"}, "status": status}
    cluster.transport.call("POST", "/api/v1/nodes", body=document)
    yield "diagnosed"
    cluster.transport.call("DELETE", "/api/v1/nodes/diagnosed")


def diagnose(
    server: ApiServer, directory: Path, config: str, images: dict[str, Any], **more: Any
) -> tuple[dict[str, Any], str]:
    file = directory / "config.toml"
    file.write_text(f'version = 3\n[plugins."io.containerd.cri.v1.images".registry]\nconfig_path = "{config}"\n')
    words = ["env", f"PATH={find_containerd()}:/usr/bin:/bin"]
    entry = {"name": "n1", "exec": words, "config": str(file), "certs_dir": "/certs.d"}
    common = {"context": "test", "kubeconfig": str(server.kubeconfig)}
    arguments = {**common, "nodes": [entry], "images": images, **more}
    return play(directory, [{"selfhosted.serverless.image_diagnose": arguments}], "-v")


def test_what_cannot_be_asked_is_told_and_is_no_failure(api_server: ApiServer, node: str, tmp_path: Path) -> None:
    result, output = diagnose(api_server, tmp_path, "/certs.d", POLICY)
    assert (result["changed"], result["findings"]) == (False, [])
    (unknown,) = result["unknown"]
    assert unknown.startswith(f"{node}, disk: ")
    assert "not looked at: diagnosed, disk" in output


def test_an_unread_directory_stops_a_run_where_kubelets_need_it(api_server: ApiServer, tmp_path: Path) -> None:
    result, output = diagnose(api_server, tmp_path, "/other", POLICY)
    assert "msg" not in result and result["findings"][0]["trap"] == "config_path"
    assert "mirrors written to /certs.d are not read" in " ".join(output.split())
    needed: list[tuple[dict[str, Any], dict[str, Any]]] = [
        (POLICY, {"pull": False}),
        ({**POLICY, "strict": True}, {}),
        ({"registries": {"own.example": {"plain_http": True}}}, {}),
    ]
    for images, more in needed:
        result, _output = diagnose(api_server, tmp_path, "/other", images, **more)
        assert 'Set config_path = "/certs.d"' in result["msg"]
    result, _output = diagnose(api_server, tmp_path, "/other", POLICY, pull=False, offline=True)
    assert "msg" not in result


def test_other_runtimes_are_asked_for_their_own_files(api_server: ApiServer, tmp_path: Path) -> None:
    (tmp_path / "registries.conf").write_text('unqualified-search-registries = ["quay.io"]\n')
    (tmp_path / "daemon.json").write_text('{"registry-mirrors": ["m.example"]}')
    manifests = tmp_path / "manifests.yaml"
    manifests.write_text(
        "kind: Pod\napiVersion: v1\nmetadata: {name: p}\nspec: {containers: [{name: a, image: 'a:1'}]}\n"
    )
    nodes = [
        {"name": "crio", "exec": [], "runtime": "cri-o", "certs_dir": str(tmp_path)},
        {"name": "docker", "exec": [], "runtime": "docker", "config": str(tmp_path / "daemon.json")},
    ]
    arguments = {
        "context": "test",
        "kubeconfig": str(api_server.kubeconfig),
        "nodes": nodes,
        "images": POLICY,
        "manifests": [str(manifests)],
    }
    result, _output = play(tmp_path, [{"selfhosted.serverless.image_diagnose": arguments}], "-v")
    assert [(item["trap"], item["where"].partition(",")[0]) for item in result["findings"]] == [
        ("registry-mirrors", "docker"),
        ("short names", "crio"),
    ]
    assert "a:1 asked for at quay.io" in result["findings"][1]["message"]
