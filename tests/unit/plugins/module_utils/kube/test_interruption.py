"""A run that is killed after its n-th write: the next run completes it, and nothing is forgotten."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from fault_proxy import FaultProxy
from releases import absent, config_map, definition, deployment, document, names, namespace, present

SUPPORT = Path(__file__).resolve().parents[2] / "support"
COLLECTIONS = Path(__file__).resolve().parents[5] / ".venv" / "collections"


def release_of(name: str) -> list[dict]:
    group = f"{name}.example.org"
    return [
        namespace(name),
        definition(group, "Widget"),
        *(config_map(f"c{number}", {"x": str(number)}) for number in range(4)),
        deployment("app", replicas=0),
        document(f"{group}/v1", "Widget", "w", spec={"size": 1}),
    ]


@pytest.mark.parametrize("writes", [1, 2, 3, 5, 7, 8, 9, 10])
def test_killed_after_the_nth_write(
    cluster: Cluster, fault_proxy: FaultProxy, name: str, tmp_path: Path, writes: int
) -> None:
    documents = release_of(name)
    command = [
        sys.executable,
        str(SUPPORT / "apply_and_die.py"),
        str(tmp_path / "proxied"),
        name,
        json.dumps(documents),
    ]
    environment = {**os.environ, "PYTHONPATH": f"{COLLECTIONS}:{SUPPORT}"}
    process = subprocess.Popen(command, env=environment)
    while process.poll() is None:
        if sum(method == "PATCH" and "dryRun" not in path for method, path in fault_proxy.requests) >= writes:
            process.kill()
        time.sleep(0.002)
    process.wait()

    present(cluster, name, documents)
    assert not present(cluster, name, documents).changed
    # One object fewer: it is pruned although the run that made it may have died.
    smaller = [item for item in documents if item["metadata"]["name"] != "c3"]
    assert names(present(cluster, name, smaller).deleted) == [f"ConfigMap {name}/c3"]
    cluster.delete("v1", "Namespace", name)


def test_killed_and_then_removed(cluster: Cluster, fault_proxy: FaultProxy, name: str, tmp_path: Path) -> None:
    command = [sys.executable, str(SUPPORT / "apply_and_die.py"), str(tmp_path / "proxied"), name]
    environment = {**os.environ, "PYTHONPATH": f"{COLLECTIONS}:{SUPPORT}"}
    process = subprocess.Popen([*command, json.dumps(release_of(name)[:6])], env=environment)
    while process.poll() is None:
        if sum(method == "PATCH" and "dryRun" not in path for method, path in fault_proxy.requests) >= 4:
            process.kill()
        time.sleep(0.002)
    process.wait()
    absent(cluster, name)
    assert cluster.get("v1", "Namespace", name) is None
    assert cluster.get("v1", "ConfigMap", f"release-{name}", "kube-system") is None
