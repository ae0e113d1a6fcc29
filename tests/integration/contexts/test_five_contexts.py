"""Five contexts in one run: two labs, two clusters without machines, and one that does not answer."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from ..conftest import ROOT, Site
from ..support.labs import OwnLab
from .kwok_cluster import ApiServer, kubectl, kwok_cluster, make_kwok

pytestmark = pytest.mark.acceptance

SECOND = OwnLab(ROOT / ".lab-b", "127.0.0.5")
ARN = "arn:aws:eks:eu-west-1:123456789012:cluster/a b"
NODES = 3
# Nothing runs where KWOK says that it does: the application is installed, but no program that others wait for an answer
# of (istiod writes its certificate into webhooks, metrics-server serves an API)
WITHOUT_MACHINES = {
    "image_prefetch_state": "absent",
    "metrics_server_state": "absent",
    "istio_state": "absent",
    "knative_state": "absent",
    "todo_variant": "kubernetes",
    "todo_image": "docker.io/library/python:3.11-slim-bookworm",
    "todo_database_storage_class": "by-hand",
    "verify_at_end": "none",
}
VOLUME = {
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
LINE = re.compile(r"^  (\S+) +(unchanged|changed|failed) +([\d.]+) s(?:  (.*))?$", re.MULTILINE)


@dataclass(frozen=True)
class Five:
    """The kubeconfig and the inventory of all, and the two control planes that are the tests' own."""

    inventory: Path
    without_machines: dict[str, ApiServer]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run site.yml as a user does, with the output that a user sees."""
        environment = {**os.environ, "ANSIBLE_STDOUT_CALLBACK": "selfhosted.serverless.progress"}
        command = [Path(sys.executable).with_name("ansible-playbook"), "site.yml", "-i", self.inventory, *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=1200
        )
        print(done.stdout, done.stderr)
        return done


@dataclass(frozen=True)
class End:
    """A line of the table at the end."""

    state: str
    seconds: float
    why: str


def ends(done: subprocess.CompletedProcess[str]) -> dict[str, End]:
    """The table at the end of a run, by host."""
    return {name: End(state, float(seconds), why) for name, state, seconds, why in LINE.findall(done.stdout)}


@pytest.fixture(scope="module")
def silent() -> Iterator[int]:
    """A port where connections are taken, and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


class OneWeb(BaseHTTPRequestHandler):
    """What stands for the pods that KWOK says are there: the role ends when the application has answered."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, *_args: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def node_port() -> Iterator[int]:
    """A port of this machine, of those that nodes have, where the application of both clusters answers."""
    for port in range(32000, 32700):
        with suppress(OSError), ThreadingHTTPServer(("127.0.0.1", port), OneWeb) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield port
            server.shutdown()
            return
    raise RuntimeError("no port is free")


@pytest.fixture(scope="module")
def five(site: Site, silent: int, node_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Five]:
    folder = tmp_path_factory.mktemp("five")
    kwok = make_kwok()
    with ExitStack() as stack:
        SECOND.bring("started")
        stack.callback(SECOND.bring, "absent")
        servers = {
            name: stack.enter_context(kwok_cluster(tmp_path_factory.mktemp(name), kwok, NODES))
            for name in ("kwok-one", "kwok-two")
        }
        for server in servers.values():
            kubectl(server, "apply", "-f", "-", given=json.dumps(VOLUME))
        config: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "clusters": [], "users": [], "contexts": []}
        add(config, "lab-one", site.directory / "kubeconfig")
        add(config, ARN, SECOND.directory / "kubeconfig")
        for name, server in servers.items():
            add(config, name, server.kubeconfig)
        add(config, "gone", servers["kwok-one"].kubeconfig)
        config["clusters"][-1]["cluster"]["server"] = f"https://127.0.0.1:{silent}"
        (folder / "config").touch(mode=0o600)
        (folder / "config").write_text(yaml.safe_dump(config))
        inventory = {
            "plugin": "selfhosted.serverless.kubeconfig",
            "kubeconfig": str(folder / "config"),
            "without_limit": "all",
            "variables": {
                # What is no lab takes its content from the first one's mirror, too
                "*": {"lab_directory": str(site.directory), "lab_address": site.address},
                ARN: {"lab_directory": str(SECOND.directory), "lab_address": SECOND.address},
                "kwok-*": {
                    **WITHOUT_MACHINES,
                    "serverless_node_address": "127.0.0.1",
                    "todo_web_node_port": node_port,
                },
                **{name: {"serverless_work_dir": str(folder / "work" / name)} for name in (*servers, "gone")},
            },
        }
        (folder / "kubeconfig.yml").write_text(yaml.safe_dump(inventory))
        (folder / "group_vars").mkdir()
        for kind in ("kind_lab", "kind_unknown"):
            (folder / "group_vars" / kind).symlink_to(ROOT / "inventories" / "lab" / "group_vars" / "clusters")
        yield Five(folder, servers)


def add(config: dict[str, Any], context: str, kubeconfig: Path) -> None:
    """Add the one context of a kubeconfig under another name."""
    other = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    config["clusters"].append({**other["clusters"][0], "name": context})
    config["users"].append({**other["users"][0], "name": context})
    config["contexts"].append({"name": context, "context": {"cluster": context, "user": context}})


def test_one_that_does_not_answer_holds_up_nobody(five: Five) -> None:
    done = five.run()
    found = ends(done)
    assert set(found) == {"lab-one", "arn-aws-eks-eu-west-1-123456789012-cluster-a-b", "kwok-one", "kwok-two", "gone"}
    assert {name: end.state for name, end in found.items() if name != "gone"} == dict.fromkeys(
        set(found) - {"gone"}, "changed"
    )
    assert done.returncode == 2 and found["gone"].state == "failed"
    assert re.search(r"does not answer|no answer|timed out", found["gone"].why), found["gone"].why
    assert "5 contexts in " in done.stdout and ", 1 failed." in done.stdout
    # None is held up by a slower one
    assert max(found[name].seconds for name in five.without_machines) < found["lab-one"].seconds
    for server in five.without_machines.values():
        assert "user-v2" in kubectl(server, "-n", "todo", "get", "deployments", "-o", "name")


def test_a_second_run_changes_nothing(five: Five) -> None:
    found = ends(five.run())
    assert {end.state for name, end in found.items() if name != "gone"} == {"unchanged"}


def test_the_name_of_a_host_is_what_limit_takes(five: Five) -> None:
    done = five.run("--limit", "arn-aws-eks-eu-west-1-123456789012-cluster-a-b")
    assert done.returncode == 0 and "unchanged after" in done.stdout
    assert ARN in done.stdout


def test_batches_come_to_the_same_end(five: Five) -> None:
    found = ends(five.run("-e", "serverless_batch=2"))
    assert len(found) == 5 and [name for name, end in found.items() if end.state == "failed"] == ["gone"]


def test_all_is_removed(five: Five) -> None:
    states = {"registry_secret_state", "metrics_server_state", "istio_state", "knative_state", "todo_state"}
    done = five.run("--limit", "!gone", *[word for state in sorted(states) for word in ("-e", f"{state}=absent")])
    assert {end.state for end in ends(done).values()} == {"changed"}
