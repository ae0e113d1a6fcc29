"""release with several mirrors in mode rewrite: a role run alone chooses as the plan does, and again the same."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.image_policy import lock_path
from api_server import ApiServer
from plays import play

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "module_utils" / "images" / "support"))

from faulty_registry import FaultyRegistry  # noqa: E402
from sample_images import SampleImage  # noqa: E402

NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "n1"},
    "status": {"nodeInfo": {"architecture": "arm64"}},
}


def deployment(name: str) -> dict[str, Any]:
    labels = {"app": "web"}
    pod = {"containers": [{"name": "main", "image": "team/app:1"}]}
    template = {"metadata": {"labels": labels}, "spec": pod}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": name}, "spec": spec}


def image_of(cluster: Cluster, name: str) -> str:
    found = cluster.get("apps/v1", "Deployment", "web", name)
    assert found
    return found["spec"]["template"]["spec"]["containers"][0]["image"]


def test_the_first_mirror_that_has_it_alone_in_check_mode_and_again(
    api_server: ApiServer, cluster: Cluster, name: str, tmp_path: Path
) -> None:
    empty, narrow, full = FaultyRegistry(), FaultyRegistry(), FaultyRegistry()
    narrow.add(SampleImage(architectures=("amd64",)))
    full.add(SampleImage(architectures=("amd64", "arm64")))
    hosts = [registry.host for registry in (empty, narrow, full)]
    images = {"mode": "rewrite", "mirrors": {"docker.io": [f"{host}/m" for host in hosts]}}
    # A lock that has another image, so that whoever reads it refuses them all
    lock = tmp_path / "images.lock.yml"
    locked = {"digest": "sha256:" + "a" * 64, "platforms": {"arm64": {"digest": "sha256:" + "b" * 64, "size": 1}}}
    lock.write_text(yaml.safe_dump({"images": {"docker.io/team/app:1": locked}}))
    arguments = {"name": name, "context": "test", "kubeconfig": str(api_server.kubeconfig)}
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    apply = {**arguments, "definitions": [space, deployment(name)], "images": images}
    tasks: list[dict[str, Any]] = [{"selfhosted.serverless.release": apply}]
    cluster.transport.call("POST", "/api/v1/nodes", body=NODE)
    try:
        foreseen, _output = play(tmp_path, tasks, "-v", "--check")
        first, output = play(tmp_path, tasks, "-v")
        assert image_of(cluster, name) == f"{hosts[2]}/m/team/app:1"
        again, _output = play(tmp_path, tasks, "-v")
        assert [foreseen["changed"], first["changed"], again["changed"]] == [True, True, False]
        told = f"docker.io/team/app:1 from mirror {hosts[2]}/m (mirror {hosts[0]}/m: not found, "
        assert f"{told}mirror {hosts[1]}/m: architecture missing)" in output
        images["lock"] = str(lock)
        refused, _output = play(tmp_path, tasks, "-v")
        assert "no mirror has" in refused["msg"] and "the lock says" in refused["msg"]
        assert f"{hosts[2]}/m" in refused["msg"]
    finally:
        play(tmp_path, [{"selfhosted.serverless.release": {**arguments, "state": "absent"}}], "-v")
        cluster.transport.call("DELETE", "/api/v1/nodes/n1")
        for registry in (empty, narrow, full):
            registry.stop()


def test_the_mirror_that_was_chosen_stays_when_the_first_one_returns(
    api_server: ApiServer, cluster: Cluster, name: str, tmp_path: Path
) -> None:
    first, second = FaultyRegistry(), FaultyRegistry()
    second.add(SampleImage(architectures=("arm64",)))
    lock = tmp_path / "images.lock.yml"
    mirrors = {"docker.io": [f"{registry.host}/m" for registry in (first, second)]}
    arguments = {"name": name, "context": "test", "kubeconfig": str(api_server.kubeconfig)}
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    images = {"mode": "rewrite", "mirrors": mirrors, "lock": str(lock)}
    tasks = [
        {"selfhosted.serverless.release": {**arguments, "definitions": [space, deployment(name)], "images": images}}
    ]
    cluster.transport.call("POST", "/api/v1/nodes", body=NODE)
    try:
        play(tmp_path, tasks, "-v", "--check")
        assert not lock.exists()
        play(tmp_path, tasks, "-v")
        assert yaml.safe_load(lock.read_text())["chosen"] == {
            "test": {"docker.io/team/app:1": f"{second.host}/m/team/app:1"}
        }
        first.add(SampleImage(architectures=("arm64",)))
        again, _output = play(tmp_path, tasks, "-v")
        assert (again["changed"], image_of(cluster, name)) == (False, f"{second.host}/m/team/app:1")
    finally:
        play(tmp_path, [{"selfhosted.serverless.release": {**arguments, "state": "absent"}}], "-v")
        cluster.transport.call("DELETE", "/api/v1/nodes/n1")
        first.stop()
        second.stop()


def test_the_lock_stands_beside_the_inventory_unless_the_gate_says_otherwise() -> None:
    beside = {"inventory_dir": "/inventories/own"}
    assert lock_path({}, beside) == lock_path(None, beside) == "/inventories/own/images.lock.yml"
    assert lock_path({"lock": "/locks/a.yml"}, beside) == "/locks/a.yml"
    assert lock_path({"lock": ""}, beside) == lock_path({}, {"inventory_dir": None}) == ""
    assert lock_path({}, {"inventory_dir": "None"}) == ""


def test_the_lock_of_an_inventory_that_came_with_the_archive_is_among_the_users_data(tmp_path: Path) -> None:
    inventory = tmp_path / "inventories" / "kubeconfig"
    inventory.mkdir(parents=True)
    assert lock_path({}, {"inventory_dir": str(inventory)}) == str(inventory / "images.lock.yml")
    (tmp_path / "MANIFEST.json").touch()
    assert lock_path({}, {"inventory_dir": str(inventory)}) == "~/.local/share/selfhosted-serverless/images.lock.yml"
