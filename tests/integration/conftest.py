"""The cluster and the application under test, as the environment names them.

LAB_DIRECTORY (default .lab) is the folder of the lab's state, LAB_ADDRESS (default 127.0.0.1) where it is reached.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .support.runs import Lab

# Playbooks that tests run print what Ansible's own callback prints.
os.environ["ANSIBLE_STDOUT_CALLBACK"] = "default"
ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "todo"
DOMAIN = "example.com"
# What a pod must say to be let into a namespace that enforces the Pod Security level restricted
RESTRICTED_POD = {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
RESTRICTED_CONTAINER = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


@dataclass(frozen=True)
class Answer:
    """An HTTP answer: status, body and the seconds until it was read."""

    status: int
    body: bytes
    headers: dict[str, str]
    seconds: float

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Site:
    """The installed site: its cluster by kubectl, its application by HTTP through the gateway."""

    directory: Path
    address: str

    def kubectl(self, *args: str, given: str | None = None, check: bool = True) -> str:
        """Run kubectl and return what it printed; with check, a failure fails the test with kubectl's own words."""
        command = [self.directory / "bin" / "kubectl", "--kubeconfig", self.directory / "kubeconfig", *args]
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=600, check=False)
        if check and done.returncode:
            pytest.fail(f"kubectl {' '.join(args)}: {done.stderr.strip()}")
        return done.stdout

    def objects(self, *args: str) -> list[dict[str, Any]]:
        """The items of `kubectl get ... -o json`."""
        return json.loads(self.kubectl("get", *args, "-o", "json"))["items"]

    def request(
        self,
        path: str,
        service: str = "web",
        method: str = "GET",
        body: Any = None,
        timeout: float = 60,
        port: int = 30080,
        namespace: str = NAMESPACE,
    ) -> Answer:
        """One request on a new connection, by default through the gateway, to a service's public host."""
        request = urllib.request.Request(
            f"http://{self.address}:{port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Host": f"{service}.{namespace}.{DOMAIN}", "Content-Type": "application/json"},
        )
        start = time.monotonic()
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                content, status, headers = answer.read(), answer.status, dict(answer.headers)
        except urllib.error.HTTPError as error:
            content, status, headers = error.read(), error.code, dict(error.headers)
        return Answer(status, content, headers, time.monotonic() - start)

    def pods(self, service: str) -> list[dict[str, Any]]:
        """The pods of a Knative service that are not on their way out."""
        selector = f"serving.knative.dev/service={service}"
        pods = self.objects("pods", "-n", NAMESPACE, "-l", selector)
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    def playbook(self, *args: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run ansible-playbook with this lab's inventory; the caller judges its exit code and output."""
        command = [
            Path(sys.executable).parent / "ansible-playbook", "-i", "inventories/lab",
            "-e", f"lab_directory={self.directory}", "-e", f"lab_address={self.address}", *args,
        ]  # fmt: skip
        return subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), **(env or {})},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    def python(self, code: str, pod: str = "client", namespace: str = NAMESPACE) -> str:
        """Run Python code in a pod and return what it printed."""
        return self.kubectl("exec", "-n", namespace, pod, "-c", "client", "--", "python3", "-c", code)


def until(what: str, condition: Callable[[], Any], seconds: float) -> Any:
    """Ask every second until the condition gives something truthy, and return that."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {what}")
        time.sleep(1)


@pytest.fixture(scope="session")
def site() -> Site:
    """The site under test; its absence is a failure, not a reason to skip."""
    directory = Path(os.environ.get("LAB_DIRECTORY", ROOT / ".lab"))
    if not (directory / "kubeconfig").exists():
        pytest.fail(f"there is no lab in {directory}; start it with `make site`")
    return Site(directory, os.environ.get("LAB_ADDRESS", "127.0.0.1"))


@pytest.fixture(scope="session")
def lab_under_test(site: Site) -> Lab:
    """The lab with its audit log, for tests that compare runs with what was written."""
    return Lab.at(site.directory, site.address)


def pytest_configure(config: pytest.Config) -> None:
    """`make acceptance` runs what bears this marker too; the other runs leave it out, for it takes long."""
    config.addinivalue_line("markers", "acceptance: runs only with ACCEPTANCE=1, for it takes long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what runs for long, but in `make acceptance`."""
    if os.environ.get("ACCEPTANCE"):
        return
    long = [item for item in items if item.get_closest_marker("acceptance")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


def client_manifest(namespace: str, name: str = "client", **labels: str) -> str:
    """A pod with Python in it that waits to be asked."""
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace, "labels": {"app": name, **labels}},
            "spec": {
                "terminationGracePeriodSeconds": 0,
                "securityContext": RESTRICTED_POD,
                "containers": [
                    {
                        "name": "client",
                        "image": "docker.io/library/python:3.11-slim-bookworm",
                        "command": ["python3", "-m", "http.server", "8080", "--directory", "/tmp"],
                        "securityContext": RESTRICTED_CONTAINER,
                    }
                ],
            },
        }
    )


@pytest.fixture(scope="session")
def client(site: Site) -> Any:
    """A pod without a sidecar in the application's namespace, to make requests from inside."""
    site.kubectl("apply", "-f", "-", given=client_manifest(NAMESPACE))
    site.kubectl("wait", "--for=condition=Ready", "pod/client", "-n", NAMESPACE, "--timeout=120s")
    yield site
    site.kubectl("delete", "pod", "client", "-n", NAMESPACE, "--wait=false")
