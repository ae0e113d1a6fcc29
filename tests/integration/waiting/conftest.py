"""A namespace of each test's own, a registry out of order, and a wait that is listened to."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import WaitError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.progress import Progress
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.targets import Target
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.waiting import wait_for

from ..conftest import Site, until
from .objects import Document

REGISTRY_PORT = 5999


@dataclass
class Course:
    """How a wait went: `told` are its lines with their seconds, `seconds` how long it took, `error` how it failed."""

    told: list[tuple[float, str]] = field(default_factory=list)
    seconds: float = 0.0
    error: str = ""

    def first(self, words: str) -> float:
        """Seconds until `words` were said, in progress or by the error."""
        lines = [*self.told, (self.seconds, self.error)]
        return next((seconds for seconds, line in lines if words in line), float("inf"))


@dataclass
class Place:
    """A namespace on the lab, and what else has been made for the test."""

    site: Site
    name: str
    directory: Path
    made: list[Document] = field(default_factory=list)

    def apply(self, *documents: Document) -> None:
        """Make objects; what knows no namespaces is removed after the test."""
        for item in documents:
            self.made.append(item)
            self.site.kubectl("apply", "-n", self.name, "-f", "-", given=json.dumps(item))

    def enforced(self, *policies: Document) -> list[Document]:
        """Nothing more to apply: the policies are, and are in force (the API server compiles them in its own time)."""
        self.apply(*policies)
        run = ("run", "probe", "-n", self.name, "--image=x", "--dry-run=server")
        until("the policy is in force", lambda: not self.site.kubectl(*run, check=False), 30)
        return []

    def remove(self, item: Document) -> None:
        self.site.kubectl(
            "delete", "-n", self.name, "--ignore-not-found", "--wait=false", "-f", "-", given=json.dumps(item)
        )

    def wait(
        self, item: Document, condition: str | None = "rollout", seconds: float = 60, expression: str = ""
    ) -> Course:
        """Wait for an object with the library, as the wait module does."""
        course, started = Course(), time.monotonic()
        report = Progress(lambda line: course.told.append((time.monotonic() - started, line)), "lab")
        cluster = Cluster.connect("lab", str(self.site.directory / "kubeconfig"), report.retry)
        target = Target(
            item["apiVersion"], item["kind"], self.name, item["metadata"]["name"], None, condition, expression or None
        )
        try:
            wait_for(cluster, [target], Deadline(seconds), report.tell)
        except WaitError as error:
            course.error = str(error)
        course.seconds = time.monotonic() - started
        print(
            f"\n--- {course.seconds:.1f} s", *(f"{at:5.1f} {line}" for at, line in course.told), course.error, sep="\n"
        )
        return course

    def module(self, target: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """The same by the wait module, with Ansible's own output."""
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "tasks": [
                {
                    "selfhosted.serverless.wait": {
                        "context": "lab",
                        "kubeconfig": str(self.site.directory / "kubeconfig"),
                        "for": [target],
                        "timeout": 60,
                    }
                }
            ],
        }
        path = self.directory / "play.yml"
        path.write_text(json.dumps([play]))
        return self.site.playbook(str(path))

    def control(self, *words: str) -> None:
        """Talk to the supervisor of the lab's processes."""
        subprocess.run([self.site.directory / "bin" / "lab-control", *words], check=True, capture_output=True)


@pytest.fixture
def place(site: Site, tmp_path: Path) -> Iterator[Place]:
    """A namespace that is gone after the test, with all that was made."""
    found = Place(site, f"waiting-{uuid.uuid4().hex[:6]}", tmp_path)
    site.kubectl("create", "namespace", found.name)
    until("the default service account", lambda: site.objects("serviceaccounts", "-n", found.name), 30)
    yield found
    for item in reversed(found.made):
        found.remove(item)
    site.kubectl("delete", "namespace", found.name, "--wait=false")


@pytest.fixture(scope="module")
def broken_registry(site: Site) -> Iterator[Callable[[str, int, str], str]]:
    """A registry on the node before the lab's mirror; gives the reference of an image that meets a status so long."""
    address = f"127.0.0.1:{REGISTRY_PORT}"
    settings = site.directory / "certs.d" / address / "hosts.toml"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(f'server = "http://{address}"\n')
    node = site.directory / "bin" / "lab-node"
    program = Path(__file__).parent / "troubled_registry.py"
    command = [node, sys.executable, program, str(REGISTRY_PORT), f"{site.address}:5000"]
    process = subprocess.Popen(command, start_new_session=True)  # the node's namespaces put a child between
    yield lambda image, status, seconds: f"127.0.0.1:{REGISTRY_PORT}/{status}-{seconds}/{image}"
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(10)
    shutil.rmtree(settings.parent)


def mirror_tag(site: Site, repository: str) -> str:
    """A reference that names an image of the lab's mirror as the mirror's own."""
    tags = json.loads(site.request(f"/v2/{repository}/tags/list", port=5000).body)["tags"]
    return f"{site.address}:5000/{repository}:{tags[0]}"


@pytest.fixture(scope="module")
def pause(site: Site) -> str:
    """An image that runs and does nothing, by the mirror's name."""
    return mirror_tag(site, "registry.k8s.io/pause")


@pytest.fixture(scope="module")
def python(site: Site) -> str:
    return mirror_tag(site, "docker.io/library/python")
