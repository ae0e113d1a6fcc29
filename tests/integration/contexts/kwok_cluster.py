"""Clusters without machines: a real control plane and scheduler, whose nodes and pods KWOK keeps Ready."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.build import Builder
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.build_cache import BuildCache
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.catalogue import (
    GoBuild,
    GoComponent,
    Module,
    ModulesComponent,
)

from ..conftest import ROOT

sys.path.insert(0, str(ROOT / "tests" / "unit" / "plugins" / "support"))

from api_server import ApiServer, running_api_server  # noqa: E402

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "selfhosted-serverless")
MODULE = Module("sigs.k8s.io/kwok", "v0.8.0", "h1:OTIOTwgROqPMovcTwxICx2eYQ4AwLpSx5EpjbDKF4SQ=")
KWOK = GoComponent("kwok", (GoBuild({"kwok": "sigs.k8s.io/kwok/cmd/kwok"}),), {})
FILES = ModulesComponent("kwok-module", {"kwok": MODULE})
# What KWOK makes of nodes and pods: Ready at once, and gone when they are deleted
STAGES = ("node/fast", "node/heartbeat-with-lease", "pod/fast")
READY_SECONDS = 60


def make_kwok() -> list[str]:
    """The command that starts KWOK, which is built where the lab's cache does not have it."""
    folders = Builder(BuildCache(CACHE), HERE / "go", print).run([KWOK, FILES]).directories
    stages = Path(folders[FILES.name], "kwok", "kustomize", "stage")
    files = [file for stage in STAGES for file in sorted((stages / stage).glob("*.yaml"))]
    configs = [f"--config={file}" for file in files if file.name != "kustomization.yaml"]
    return [str(Path(folders["kwok"], "kwok")), "--manage-all-nodes=true", "--server-address=", *configs]


@contextmanager
def kwok_cluster(directory: Path, kwok: list[str], nodes: int) -> Iterator[ApiServer]:
    """A cluster with so many nodes, for the time of the block."""
    with running_api_server(directory) as server:
        scheduler = server.binaries["kube-apiserver"].with_name("kube-scheduler")
        commands = [
            [str(scheduler), f"--kubeconfig={server.kubeconfig}", "--leader-elect=false", "--secure-port=0"],
            [*kwok, f"--kubeconfig={server.kubeconfig}"],
        ]
        running = []
        try:
            for command in commands:
                with open(directory / f"{Path(command[0]).name}.log", "ab") as log:
                    running.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=directory))
            items = [node(number) for number in range(nodes)]
            kubectl(server, "apply", "-f", "-", given=json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
            _await_ready(server, nodes)
            yield server
        finally:
            for process in running:
                process.kill()
                process.wait(10)


def kubectl(server: ApiServer, *arguments: str, given: str | None = None) -> str:
    """What kubectl prints."""
    command = [server.binaries["kubectl"], "--kubeconfig", server.kubeconfig, *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=True).stdout


def node(number: int) -> dict[str, Any]:
    """A node of KWOK, which alone runs no program."""
    labels = {"kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64", "type": "kwok"}
    metadata = {"name": f"kwok-{number}", "labels": labels, "annotations": {"kwok.x-k8s.io/node": "fake"}}
    capacity = {"cpu": "32", "memory": "64Gi", "pods": "110"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": metadata,
        "status": {"capacity": capacity, "allocatable": capacity},
    }


def _await_ready(server: ApiServer, nodes: int) -> None:
    limit = time.monotonic() + READY_SECONDS
    while time.monotonic() < limit:
        found = json.loads(kubectl(server, "get", "nodes", "-o", "json"))["items"]
        conditions = [{one["type"]: one["status"] for one in item["status"].get("conditions", [])} for item in found]
        if sum(one.get("Ready") == "True" for one in conditions) == nodes:
            return
        time.sleep(0.2)
    raise RuntimeError(f"KWOK's nodes do not get Ready:\n{(server.directory / 'kwok.log').read_text()[-2000:]}")
