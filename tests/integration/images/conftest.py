"""The lab's registries and node, as tests of images use them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.releases.sets import read_releases

from ..conftest import Site, until

# What the lab installs and has stocked, as its defaults say: the first set
VERSIONS = next(iter(read_releases().sets.values())).versions
HOSTS = ("docker.io", "gcr.io", "registry.k8s.io")
# What somebody got from a registry by tag, in the registry's access log
GOT = re.compile(r'"(?:GET|HEAD) /v2/(\S+)/manifests/([^\s?]+)\S* HTTP/[\d.]+" 200 \d+ "[^"]*" "([^"/]*)')
# Images of the lab's own, which are there before any site
OWN = re.compile(r"registry\.k8s\.io/(pause|coredns)|sha256:")


def output_of(*words: str) -> str:
    """What a command printed, whatever its exit code."""
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout


def knative(component: str, program: str) -> str:
    """The lab's image of a program of Knative; component is serving or eventing."""
    version = VERSIONS[f"knative_{component}"]
    return f"gcr.io/knative-releases/knative.dev/{component}/cmd/{program}:v{version}"


@dataclass
class Lab:
    """The lab's registries and node, and the variables that later runs take over from earlier ones."""

    site: Site
    told: dict[str, Any] = field(default_factory=dict)

    @property
    def mirror(self) -> str:
        """The registry that has all images."""
        return f"{self.site.address}:5000"

    @property
    def private(self) -> str:
        """The registry with a password and an authority of its own."""
        return f"{self.site.address}:5001"

    @property
    def password(self) -> str:
        return (self.site.directory / "registry" / "password").read_text().strip()

    @property
    def certs(self) -> Path:
        """Where containerd looks for the settings of registries."""
        return self.site.directory / "certs.d"

    def policy(self, *places: str, **more: Any) -> dict[str, Any]:
        """Variables for a run with these mirrors of all registries; the lab's exact map stays."""
        login = {
            "ca_file": str(self.site.directory / "pki" / "ca.crt"),
            "username": "todo",
            "password": {"file": str(self.site.directory / "registry" / "password")},
        }
        mirrors = {host: [f"{place}/{host}" for place in places] for host in HOSTS}
        lock = str(self.site.directory / "images.lock.yml")
        wanted = {"mirrors": mirrors, "registries": {self.private: login}, "lock": lock, **more}
        return {"policy": wanted, "serverless_images": "{{ policy | combine({'map': __lab_image_map}) }}"}

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

    def run(self, playbook: str, *options: str, **variables: Any) -> str:
        """Run a playbook, which must succeed, and return what it printed."""
        done = self.try_run(playbook, *options, **variables)
        assert done.returncode == 0, done.stdout[-6000:]
        return done.stdout

    def try_run(self, playbook: str, *options: str, **variables: Any) -> subprocess.CompletedProcess[str]:
        """Run a playbook; the caller judges it."""
        return self.site.playbook(playbook, "-e", json.dumps(variables), *options)

    def size(self, program: str) -> int:
        """The bytes of a registry's log."""
        return self.log(program).stat().st_size

    def got(self, program: str, since: int) -> set[tuple[str, str]]:
        """Who (containerd, Buildah, selfhosted.serverless) got what by tag since the log had so many bytes."""
        text = self.log(program).read_bytes()[since:].decode()
        return {(agent, f"{name}:{version}") for name, version, agent in GOT.findall(text) if ":" not in version}

    def pulled(self, program: str, since: int) -> set[str]:
        """What containerd got from a registry by tag since its log had so many bytes."""
        return {image for agent, image in self.got(program, since) if agent == "containerd"}

    def log(self, program: str) -> Path:
        return self.site.directory / "log" / "lab" / f"{program}.log"

    def ctr(self, *words: str) -> str:
        """Talk to the node's containerd."""
        node, socket = self.site.directory / "bin" / "lab-node", self.site.directory / "containerd" / "containerd.sock"
        command = [str(node), "ctr", "--address", str(socket), "-n", "k8s.io", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def on_node(self) -> set[str]:
        """The names of the images on the node that are not the lab's own."""
        return {name for name in self.ctr("images", "ls", "-q").split() if not OWN.match(name)}

    def empty_node(self) -> None:
        """Take all images from the node but the lab's own, also those that only kubelets brought there."""
        names = self.on_node()
        if names:
            self.ctr("images", "rm", "--sync", *sorted(names))
        assert not self.on_node()


@pytest.fixture(scope="module")
def lab(site: Site) -> Lab:
    """The test lab, with nothing installed."""
    assert "istio-system" not in site.kubectl("get", "namespaces", "-o", "name")
    return Lab(site)


def changed(output: str) -> int:
    """How many tasks changed something, by the last recap."""
    return int(re.findall(r"^lab\s+:.*changed=(\d+)", output, re.MULTILINE)[-1])


def rows(output: str) -> dict[str, tuple[str, str]]:
    """The table of a plan: the place in words and the status of each image."""
    found = re.findall(r"^  (\S+:\S+)\s+(mirror \S+|origin)\s+sha256:\S+\s+\S+ MB\s+(.*)$", output, re.MULTILINE)
    return {image: (place, status) for image, place, status in found}
