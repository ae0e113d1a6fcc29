"""The site from other sources than the mirror that it was stocked from: a synced registry, and a bundle.

Each run begins on an empty cluster and a node without its images, and ends with an uninstall. The tests build on each
other, in their order.
"""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ..conftest import Site, until

HOSTS = ("docker.io", "gcr.io", "registry.k8s.io")
# What containerd asked a registry for by tag, in the registry's access log
PULL = re.compile(r'"(?:GET|HEAD) /v2/(\S+)/manifests/([^\s?]+)\S* HTTP/[\d.]+" 200 \d+ "[^"]*" "containerd/')


def output_of(*words: str) -> str:
    """What a command printed, whatever its exit code."""
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout


@dataclass
class Lab:
    """The lab's registries, and the variables that later runs take over from earlier ones."""

    site: Site
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def private(self) -> str:
        return f"{self.site.address}:5001"

    def control(self, *words: str) -> str:
        """Talk to the supervisor of the lab's processes."""
        return output_of(str(self.site.directory / "bin" / "lab-control"), *words)

    @contextmanager
    def without(self, *programs: str) -> Iterator[None]:
        """Have these programs of the lab stopped."""
        self.control("stop", *programs)
        try:
            assert all("RUNNING" not in self.control("status", program) for program in programs)
            yield
        finally:
            self.control("start", *programs)
            for program in programs:
                until(f"{program} runs", lambda name=program: "RUNNING" in self.control("status", name), 30)

    def images(self, verb: str, **variables: Any) -> str:
        """Run playbooks/images.yml and return what it printed."""
        return self.run("playbooks/images.yml", images_verb=verb, **variables)

    def run(self, playbook: str, **variables: Any) -> str:
        """Run a playbook, which must succeed, and return what it printed."""
        done = self.site.playbook(playbook, "-e", json.dumps(variables))
        assert done.returncode == 0, done.stdout[-6000:]
        return done.stdout

    def pulled(self, program: str, since: int) -> set[str]:
        """What containerd got from a registry by tag since its log had so many bytes."""
        text = self.log(program).read_bytes()[since:].decode()
        return {f"{name}:{version}" for name, version in PULL.findall(text) if ":" not in version}

    def log(self, program: str) -> Path:
        return self.site.directory / "log" / "lab" / f"{program}.log"


@pytest.fixture(scope="module")
def lab(site: Site) -> Lab:
    """The test lab, with nothing installed."""
    assert "istio-system" not in site.kubectl("get", "namespaces", "-o", "name")
    return Lab(site)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bundle") / "site.tar"


def changed(output: str) -> int:
    return int(re.findall(r"^lab\s+:.*changed=(\d+)", output, re.MULTILINE)[-1])


def answers(lab: Lab) -> bool:
    return lab.site.request("/api/user").status == 200


def test_a_sync_copies_what_is_missing_and_then_nothing(lab: Lab) -> None:
    target = f"{lab.private}/mirror"
    first = lab.images("sync", image_prefetch_sync_to=target)
    assert changed(first) >= 1
    for host in HOSTS:
        assert f"{host}: [{target}/{host}]" in first.replace('"', "")
    assert changed(lab.images("sync", image_prefetch_sync_to=target)) == 0


def test_a_bundle_is_written_once(lab: Lab, bundle: Path) -> None:
    first = lab.images("bundle", image_prefetch_bundle=str(bundle))
    assert changed(first) >= 1
    found = re.search(r'todo_image: "?([^\s"]+@sha256:[0-9a-f]{64})', first)
    assert found, first[-3000:]
    lab.told["todo_image"] = found[1]
    assert bundle.stat().st_size > 50e6
    assert changed(lab.images("bundle", image_prefetch_bundle=str(bundle))) == 0


def test_the_site_from_the_synced_registry_alone(lab: Lab) -> None:
    password = (lab.site.directory / "registry" / "password").read_text().strip()
    since = lab.log("registry").stat().st_size
    login = {
        "ca_file": str(lab.site.directory / "pki" / "ca.crt"),
        "username": "todo",
        "password": {"file": str(lab.site.directory / "registry" / "password")},
    }
    mirrors = {host: [f"{lab.private}/mirror/{host}"] for host in HOSTS}
    gate = {"mirrors": mirrors, "registries": {lab.private: login}}
    with lab.without("mirror"):
        # The exact map of the lab's inventory stays: only mirrors and logins are other ones
        output = lab.run("site.yml", synced=gate, serverless_images="{{ synced | combine({'map': __lab_image_map}) }}")
        until("the application answers", lambda: answers(lab), 60)
    listed = set(re.findall(rf"^\s*(\S+)\s+mirror {re.escape(lab.private)}/mirror", output, re.MULTILINE))
    pulled = {name.removeprefix("mirror/") for name in lab.pulled("registry", since) if name.startswith("mirror/")}
    base = {"docker.io/library/python:3.11-slim-bookworm"}  # checked for the build, for no node
    assert len(pulled) > 15
    assert pulled == listed - base
    told = output + output_of("ps", "-ef")
    secrets = (password, base64.b64encode(f"todo:{password}".encode()).decode())
    assert not [secret for secret in secrets if secret in told]
    lab.run("playbooks/uninstall.yml")


def test_the_site_from_the_bundle_with_no_registry(lab: Lab, bundle: Path) -> None:
    since = {program: lab.log(program).stat().st_size for program in ("mirror", "registry")}
    with lab.without("mirror", "registry"):
        lab.run("site.yml", image_prefetch_bundle=str(bundle), **lab.told)
        until("the application answers", lambda: answers(lab), 60)
    assert not [program for program, size in since.items() if lab.pulled(program, size)]
    lab.run("playbooks/uninstall.yml", image_prefetch_bundle=str(bundle), **lab.told)
    socket = str(lab.site.directory / "containerd" / "containerd.sock")
    node = str(lab.site.directory / "bin" / "lab-node")
    names = output_of(node, "ctr", "--address", socket, "-n", "k8s.io", "images", "ls", "-q")
    assert "registry.k8s.io/pause" in names
    assert "gcr.io/knative-releases" not in names
