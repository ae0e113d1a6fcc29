"""Five contexts in one kubeconfig: two labs, two clusters without machines, and one that does not answer."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from ..support.labs import OwnLab
from ..support.runs import ROOT
from .kwok_cluster import ApiServer, kubectl, kwok_cluster, make_kwok

LAB, GONE, KWOK = "lab-one", "gone", ("kwok-one", "kwok-two")
ARN = "arn:aws:eks:eu-west-1:123456789012:cluster/a b"
ARN_HOST = "arn-aws-eks-eu-west-1-123456789012-cluster-a-b"
NODES = 3
# Nothing runs where KWOK says that it does: the application is installed, but no program that others wait for an answer
# of (istiod writes its certificate into webhooks, metrics-server serves an API)
WITHOUT_MACHINES = {
    "image_prefetch_state": "absent",
    "image_prefetch_nodes": [],  # those of the lab whose mirror they use are not theirs
    "metrics_server_state": "absent",
    "istio_state": "absent",
    "knative_state": "absent",
    "todo_variant": "kubernetes",
    "todo_image": "docker.io/library/python:3.11-slim-bookworm",
    "todo_database_storage_class": "by-hand",
    "verify_at_end": "none",
}
VOLUME: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "PersistentVolume",
    "metadata": {"name": "to-dos"},
    "spec": {
        "storageClassName": "by-hand",
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce"],
        "hostPath": {"path": "/nowhere"},
    },
}
LINE = re.compile(r"^  (\S+) +(unchanged|changed|failed) +(?:(\d+) min)? ?(?:([\d.]+) s)?(?:  (.*))?$", re.MULTILINE)


@dataclass(frozen=True)
class End:
    """A line of the table at the end."""

    state: str
    seconds: float
    why: str


@dataclass(frozen=True)
class Five:
    """The kubeconfig and the inventory of all, and the two control planes that KWOK's nodes belong to."""

    inventory: Path
    without_machines: dict[str, ApiServer]

    def run(self, *arguments: str, playbook: str = "site.yml") -> subprocess.CompletedProcess[str]:
        """Run a playbook as a user does, with the output that a user sees."""
        environment = {**os.environ, "ANSIBLE_STDOUT_CALLBACK": "selfhosted.serverless.progress"}
        command = [Path(sys.executable).with_name("ansible-playbook"), playbook, "-i", self.inventory, *arguments]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=1200
        )

    def renew_volumes(self) -> None:
        """Make the volumes anew, which no other claim can have once theirs is gone."""
        for server in self.without_machines.values():
            kubectl(server, "delete", "persistentvolume", VOLUME["metadata"]["name"], "--ignore-not-found")
            kubectl(server, "apply", "-f", "-", given=json.dumps(VOLUME))


def ends(done: subprocess.CompletedProcess[str]) -> dict[str, End]:
    """The table at the end of a run, by host."""
    return {
        name: End(state, 60 * int(minutes or 0) + float(seconds or 0), why)
        for name, state, minutes, seconds, why in LINE.findall(done.stdout)
    }


@contextmanager
def five_contexts(folder: Path, first: OwnLab, second: OwnLab) -> Iterator[Five]:
    """Two labs that run, and the others for the time of the block."""
    with ExitStack() as stack:
        silent, node_port = stack.enter_context(_silent()), stack.enter_context(_one_web())
        kwok = make_kwok()
        servers = {name: stack.enter_context(kwok_cluster(folder / name, kwok, NODES)) for name in KWOK}
        config: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "clusters": [], "users": [], "contexts": []}
        _add(config, LAB, first.directory / "kubeconfig")
        _add(config, ARN, second.directory / "kubeconfig")
        for name, server in servers.items():
            _add(config, name, server.kubeconfig)
        _add(config, GONE, servers[KWOK[0]].kubeconfig)
        config["clusters"][-1]["cluster"]["server"] = f"https://127.0.0.1:{silent}"
        (folder / "config").touch(mode=0o600)
        (folder / "config").write_text(yaml.safe_dump(config))
        inventory = {
            "plugin": "selfhosted.serverless.kubeconfig",
            "kubeconfig": str(folder / "config"),
            "without_limit": "all",
            "variables": {
                # What is no lab takes its content from the first one's mirror, too
                "*": {"lab_directory": str(first.directory), "lab_address": first.address},
                ARN: {"lab_directory": str(second.directory), "lab_address": second.address},
                "kwok-*": {
                    **WITHOUT_MACHINES,
                    "serverless_node_address": "127.0.0.1",
                    "todo_web_node_port": node_port,
                },
                **{name: {"serverless_work_dir": str(folder / "work" / name)} for name in (*servers, GONE)},
            },
        }
        groups = folder / "inventory" / "group_vars"
        groups.mkdir(parents=True)
        (groups.parent / "kubeconfig.yml").write_text(yaml.safe_dump(inventory))
        for kind in ("kind_lab", "kind_unknown"):
            (groups / kind).symlink_to(ROOT / "inventories" / "lab" / "group_vars" / "clusters")
        five = Five(groups.parent, servers)
        five.renew_volumes()
        yield five


def _add(config: dict[str, Any], context: str, kubeconfig: Path) -> None:
    """Add the one context of a kubeconfig under another name."""
    other = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    config["clusters"].append({**other["clusters"][0], "name": context})
    config["users"].append({**other["users"][0], "name": context})
    config["contexts"].append({"name": context, "context": {"cluster": context, "user": context}})


@contextmanager
def _silent() -> Iterator[int]:
    """A port where connections are taken, and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


class _OneWeb(BaseHTTPRequestHandler):
    """What stands for the pods that KWOK says are there: the role ends when the application has answered."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_args: object) -> None:
        """Nothing."""


@contextmanager
def _one_web() -> Iterator[int]:
    """A port of this machine, of those that nodes have, where the application of both of KWOK's clusters answers."""
    for port in range(32000, 32700):
        with suppress(OSError), ThreadingHTTPServer(("127.0.0.1", port), _OneWeb) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            try:
                yield port
            finally:
                server.shutdown()
            return
    raise RuntimeError("no port is free")
