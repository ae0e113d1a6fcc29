"""The playbook that removes all releases: all or none of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from api_server import ApiServer, running_api_server
from fault_proxy import FaultProxy
from releases import absent, config_map, definition, document, namespace
from standing import inventory_of, stand, within

ROOT = Path(__file__).resolve().parents[4]
GROUP = "serving.uninstall.example.org"
RELEASES = ("todo", "knative-serving", "istio", "registry-secret", "metrics-server")


@pytest.fixture(scope="module")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """One of its own: whatever else is on a cluster may be in the way of removing all."""
    with running_api_server(tmp_path_factory.mktemp("uninstall")) as server:
        yield server


@pytest.fixture
def site(cluster: Cluster) -> Iterator[Cluster]:
    """Releases by the names of ours, with what matters here alone."""
    claim = document("v1", "PersistentVolumeClaim", "database", spec={"accessModes": ["ReadWriteOnce"]})
    claim["spec"]["resources"] = {"requests": {"storage": "1Gi"}}
    stand(cluster, "registry-secret", [namespace("todo-home")])
    stand(cluster, "metrics-server", [within(config_map("metrics", {}), "default")])
    stand(cluster, "istio", [within(config_map("mesh", {}), "default")])
    stand(cluster, "knative-serving", [definition(GROUP, "Service")], requires=("istio",))
    service = within(document(f"{GROUP}/v1", "Service", "web"), "todo-home")
    documents = [namespace("todo-home"), within(claim, "todo-home"), service]
    stand(cluster, "todo", documents, requires=("istio", "knative-serving"))
    yield cluster
    for release in RELEASES:
        absent(cluster, release, purge=True)


def uninstall(directory: Path, kubeconfig: Path, *options: str) -> tuple[int, str]:
    variables = {"serverless_kubeconfig": str(kubeconfig), "serverless_work_dir": str(directory / "work")}
    inventory = directory / "inventory.yml"
    inventory.write_text(yaml.safe_dump({"clusters": {"hosts": {"test": variables}}}))
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".venv" / "collections"),
        "ANSIBLE_NOCOLOR": "1",
        "HOME": str(directory),
    }
    program = Path(sys.executable).with_name("ansible-playbook")
    command = [program, ROOT / "playbooks" / "uninstall.yml", "-i", inventory, *options]
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    done = subprocess.run(command, **output, env=environment, check=False, timeout=300)
    return done.returncode, " ".join(done.stdout.split())  # warnings are broken into lines


def test_what_is_in_the_way_of_any_role_is_told_at_once_and_before_the_first_write(
    site: Cluster, fault_proxy: FaultProxy, tmp_path: Path
) -> None:
    theirs = within(document(f"{GROUP}/v1", "Service", "theirs"), "default")
    site.apply(theirs, manager="someone")
    asking = namespace("asks-for-sidecars")
    asking["metadata"]["labels"] = {"istio-injection": "enabled"}
    site.apply(asking, manager="someone")
    tags = ("--tags", "todo,knative,istio")
    try:
        for options in (tags, (*tags, "--check")):
            fault_proxy.requests.clear()
            status, output = uninstall(tmp_path, tmp_path / "proxied", *options)
            assert status == 2, output
            assert "none of the releases 'todo', 'knative-serving', 'istio' is removed" in output
            assert "Namespace asks-for-sidecars: its label istio-injection asks Istio for sidecars" in output
            assert f"Service default/theirs ({GROUP}): is not of release 'knative-serving'" in output
            assert "needs it" not in output, "what leaves in the same run does not"
            assert fault_proxy.writes == []
        assert all(inventory_of(site, release) for release in RELEASES)
    finally:
        site.delete("v1", "Namespace", "asks-for-sidecars")
        site.delete(f"{GROUP}/v1", "Service", "theirs", "default")


def test_a_release_that_stays_is_not_taken_for_removed(site: Cluster, fault_proxy: FaultProxy, tmp_path: Path) -> None:
    status, output = uninstall(tmp_path, tmp_path / "proxied", "--tags", "istio")
    assert status == 2 and "release 'knative-serving' needs it" in output and "release 'todo' needs it" in output
    assert fault_proxy.writes == []


def test_data_that_goes_is_named(site: Cluster, api_server: ApiServer, tmp_path: Path) -> None:
    status, output = uninstall(tmp_path, api_server.kubeconfig, "--tags", "todo,knative,istio,registry_secret")
    assert status == 0, output
    lost = output.index("is deleted for good: PersistentVolumeClaim todo-home/database. The to-dos are in there.")
    assert "Set todo_keep_data: true" in output[lost : lost + 300]
    left = [release for release in RELEASES if inventory_of(site, release)]
    assert left == ["metrics-server"]
    assert site.get("v1", "Namespace", "todo-home") is None


def test_kept_data_keeps_its_namespace_and_lets_the_platform_go(
    site: Cluster, api_server: ApiServer, tmp_path: Path
) -> None:
    options = ("--tags", "todo,knative,istio,registry_secret", "-e", "todo_keep_data=true")
    status, output = uninstall(tmp_path, api_server.kubeconfig, *options, "--check", "--diff")
    assert status == 0 and not re.search(r"delete +Namespace todo-home", output)
    assert re.search(r"delete +ConfigMap default/mesh", output)
    status, output = uninstall(tmp_path, api_server.kubeconfig, *options)
    assert status == 0, output
    assert site.get("v1", "PersistentVolumeClaim", "database", "todo-home")
    assert [release for release in RELEASES if inventory_of(site, release)] == ["todo", "metrics-server"]
