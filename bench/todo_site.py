"""The site that bench/todo asks: where its services are reached from inside the lab's network, and its to-dos."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NAMESPACE, DOMAIN = "todo", "example.com"
POD_PORT, QUEUE_PORT, NODE_PORT = 8080, 8012, 30080
# What the to-dos of a measurement begin with, so that others stay
MARK = "bench/todo: "


@dataclass(frozen=True)
class Service:
    """A Knative service: the Host that it answers to, its list's path, and its ways (name -> host:port)."""

    name: str
    host: str
    path: str
    pod: str
    ways: dict[str, str]
    activator: bool
    """Whether the gateway sends requests to the activator, which passes them on, and not to the pod itself."""


class Lab:
    """A lab with the site on it, in `directory`, reached at `address` from outside."""

    def __init__(self, directory: Path, address: str) -> None:
        self._bin = directory / "bin"
        self._kubeconfig = directory / "kubeconfig"
        self._address = address
        if not self._kubeconfig.exists():
            raise SystemExit(f"bench: there is no lab in {directory}; start it with: make site")

    @classmethod
    def from_environment(cls) -> Lab:
        """LAB_DIRECTORY (default .lab) and LAB_ADDRESS (default 127.0.0.1), as for tests/integration."""
        directory = Path(os.environ.get("LAB_DIRECTORY", ROOT / ".lab")).absolute()
        return cls(directory, os.environ.get("LAB_ADDRESS", "127.0.0.1"))

    def on_node(self, *command: str) -> str:
        """What a command prints that runs in the lab's namespaces."""
        return _run(str(self._bin / "lab-node"), *command)

    def kubectl(self, *args: str) -> str:
        """What kubectl prints."""
        return _run(str(self._bin / "kubectl"), "--kubeconfig", str(self._kubeconfig), *args)

    def service(self, name: str, gateway: str, host: str, path: str) -> Service:
        """A service that has one pod now, behind the Service `gateway` in istio-system."""
        pod = self.pod(name)
        address = pod["status"]["podIP"]
        cluster_ip = self._get("service", gateway, "-n", "istio-system")["spec"]["clusterIP"]
        revision = pod["metadata"]["labels"]["serving.knative.dev/revision"]
        mode = self._get("serverlessservice", revision, "-n", NAMESPACE)["spec"]["mode"]
        ways = {
            "gateway": f"{cluster_ip}:80",
            "queue-proxy": f"{address}:{QUEUE_PORT}",
            "pod": f"{address}:{POD_PORT}",
        }
        return Service(name, host, path, pod["metadata"]["uid"], ways, mode == "Proxy")

    def pod(self, service: str) -> dict[str, Any]:
        """The one ready pod of a service."""
        selector = f"serving.knative.dev/service={service}"
        pods = self._get("pods", "-n", NAMESPACE, "-l", selector)["items"]
        ready = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"] and _is_ready(pod)]
        if len(ready) != 1:
            raise SystemExit(f"bench: {service} has {len(ready)} ready pods; one is needed")
        return ready[0]

    def _get(self, *args: str) -> dict[str, Any]:
        return json.loads(self.kubectl("get", *args, "-o", "json"))

    @contextlib.contextmanager
    def kept_warm(self) -> Iterator[None]:
        """A list each second through the gateway and web, which keeps a pod of rule too; begins after the first one."""
        stop = threading.Event()
        self._ask()

        def ask() -> None:
            while not stop.wait(1):
                with contextlib.suppress(OSError):  # the measurement itself reports failures
                    self._ask()

        thread = threading.Thread(target=ask)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _ask(self) -> None:
        headers = {"Host": f"web.{NAMESPACE}.{DOMAIN}"}
        url = f"http://{self._address}:{NODE_PORT}/api/todos?limit=1"
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
            answer.read()

    @contextlib.contextmanager
    def todos(self, count: int) -> Iterator[int]:
        """That many to-dos more in the database, for the time of the block; gives the id of the last."""
        try:
            self.remove_todos()
            self.sql(
                f"INSERT INTO todos (title) SELECT '{MARK}' || n FROM generate_series(1, {count}) n; ANALYZE todos"
            )
            yield int(self.sql("SELECT max(id) FROM todos"))
        finally:
            self.remove_todos()

    def remove_todos(self, after: int = 0) -> None:
        """Delete the measurements' to-dos, those with a larger id than `after`."""
        self.sql(f"DELETE FROM todos WHERE title LIKE '{MARK}%' AND id > {after}")
        self.sql("VACUUM ANALYZE todos")

    def sql(self, statement: str) -> str:
        """What a statement gives, run in the database's pod."""
        command = ["psql", "-U", "todo", "-d", "todo", "-qtAc", statement]
        return self.kubectl("exec", "-n", NAMESPACE, "database-0", "--", *command).strip()


def _is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise SystemExit(f"bench: {' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return done.stdout
