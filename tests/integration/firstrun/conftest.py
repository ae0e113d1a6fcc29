"""The lab as somebody's cluster, reached from closed networks with a mirror, a module proxy and a package index."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from ..conftest import ROOT, Site, until
from ..support.runs import Lab
from .closed_network import INSIDE, ClosedNetwork
from .servers import FileServer, module_folder, package_folder
from .user import User

HOSTS = ("docker.io", "gcr.io", "registry.k8s.io")
MODULES, PACKAGES, RELEASES = 8081, 8082, 8083  # ports at the lab's address, inside closed networks alone
# What is the lab's and not a user's: images that it built itself have no digests of upstream's, its Envoy lacks Istio's
# filters, and its node is small
GROUP = ROOT / "inventories" / "lab" / "group_vars" / "clusters"
OF_THE_LAB = ("resources.yml", "image_map.yml")
ASKED = re.compile(r'"(GET|HEAD|POST|PUT|PATCH) (/v2/\S*) HTTP/[\d.]+" (\d+) \d+ "[^"]*" "([^"/ ]*)')


@dataclass
class World:
    """The lab and the servers around it."""

    lab: Lab
    site: Site
    modules: FileServer
    packages: FileServer
    directory: Path
    made: int = 0

    @property
    def address(self) -> str:
        return self.lab.address

    @property
    def listed(self) -> set[str]:
        """What a user with an image mirror and a module proxy may ask: these, the cluster, and no other."""
        ports = (6443, 5000, 5001, 30080, MODULES, PACKAGES)
        return {f"{self.address}:{port}" for port in ports}

    @contextmanager
    def network(self, *ports: int, mode: str = "drop") -> Iterator[ClosedNetwork]:
        """A closed network that these ports of the lab's address are let into; all that a user may need without any."""
        self.made += 1
        directory = self.directory / f"network-{self.made}"
        directory.mkdir()
        network = ClosedNetwork(directory)
        try:
            for port in ports or (6443, 5000, 5001, 30080, MODULES, PACKAGES):
                servers = {MODULES: self.modules.address, PACKAGES: self.packages.address}
                network.let_in(self.address, port, servers.get(port))
            network.close_by(mode)
            yield network
        finally:
            network.stop()

    def user(self, network: ClosedNetwork, sample: str = "docker-desktop", **typed: Any) -> User:
        """Somebody who has filled in that sample inventory, and whose cluster is the lab."""
        self.made += 1
        user = User.with_sample(sample, self.directory / f"user-{self.made}", network, **{**self.typed(), **typed})
        user.kubeconfig({sample: self.lab.directory / "kubeconfig"})
        user.programs = (self.lab.directory / "bin" / "kubectl",)
        password = self.lab.directory / "registry" / "password"
        user.variables = {"REGISTRY_PASSWORD": password.read_text().strip()}
        return user

    def typed(self) -> dict[str, Any]:
        """What a sample inventory asks its user for."""
        return {
            "serverless_images": {
                "mode": "rewrite",
                "mirrors": {host: [f"{self.address}:5000/{host}"] for host in HOSTS},
                "registries": {f"{self.address}:5001": {"ca_file": str(self.lab.directory / "pki" / "ca.crt")}},
                "map": "{{ __lab_image_map }}",
            },
            "serverless_registry": f"{self.address}:5001",
            "serverless_gateway_address": f"{self.address}:30080",
            "serverless_go_proxy": f"http://{self.address}:{MODULES}",
            "todo_pip_index_url": f"http://{self.address}:{PACKAGES}/simple",
        }

    def of_the_lab(self) -> list[str]:
        """Arguments for what is the lab's and not a user's."""
        content = yaml.safe_load((GROUP / "content.yml").read_text())
        gateway = {"istio_gateway_service_type": "NodePort", "istio_gateway_http_nodeport": 30080}
        variables = {"istio_values": content["istio_values"], **gateway}
        files = [word for name in OF_THE_LAB for word in ("-e", f"@{GROUP / name}")]
        return [*files, "-e", json.dumps(variables)]

    def node_entry(self) -> dict[str, Any]:
        """The node as image_prefetch_nodes names it, for those who reach it by commands."""
        directory = self.lab.directory
        return {
            "name": "lab",
            "exec": [str(directory / "bin" / "lab-node")],
            "certs_dir": str(directory / "certs.d"),
            "address": str(directory / "containerd" / "containerd.sock"),
            "config": str(directory / "etc" / "containerd.toml"),
        }

    def answers(self) -> bool:
        """Whether the application does."""
        return self.site.request("/api/user").status == 200

    def log_size(self, program: str) -> int:
        return self._log(program).stat().st_size

    def requests(self, program: str, since: int) -> Counter[str]:
        """How often each client, by the begin of its name, asked a registry since its log had so many bytes."""
        text = self._log(program).read_bytes()[since:].decode()
        return Counter(client for _method, _path, _status, client in ASKED.findall(text))

    def _log(self, program: str) -> Path:
        return self.lab.directory / "log" / "lab" / f"{program}.log"

    @contextmanager
    def without(self, *programs: str) -> Iterator[None]:
        """Have these programs of the lab stopped."""
        self.lab.control("stop", *programs)
        try:
            assert all("RUNNING" not in self.lab.control("status", program) for program in programs)
            yield
        finally:
            self.lab.control("start", *programs)
            for program in programs:
                until(f"{program} runs", lambda name=program: "RUNNING" in self.lab.control("status", name), 30)

    @contextmanager
    def node_watched(self) -> Iterator[Callable[[], list[dict[str, Any]]]]:
        """What the node and its pods begin meanwhile that leads out of the cluster."""
        self.made += 1
        log = self.directory / f"node-{self.made}.jsonl"
        log.touch()
        node = (self.lab.directory / "bin" / "lab-node").read_text()
        (namespace,) = set(re.findall(r"/run/netns/(\S+?)\b(?=[ )])", node))
        words = ["nsenter", f"--net=/run/netns/{namespace}", sys.executable, str(INSIDE), str(log), "watch"]
        process = subprocess.Popen(words, stdin=subprocess.DEVNULL)
        try:
            yield lambda: [json.loads(line) for line in log.read_text().splitlines()]
        finally:
            process.kill()
            process.wait(10)

    def node(self, *words: str) -> str:
        """What a command on the node printed."""
        command = [self.lab.directory / "bin" / "lab-node", *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def empty_node(self) -> None:
        """Take all images from the node but the lab's own."""
        ctr = ["ctr", "--address", str(self.lab.directory / "containerd" / "containerd.sock"), "-n", "k8s.io", "images"]
        names = [
            name
            for name in self.node(*ctr, "ls", "-q").split()
            if not re.match(r"registry\.k8s\.io/(pause|coredns)|sha256:", name)
        ]
        if names:
            self.node(*ctr, "rm", "--sync", *sorted(names))


@pytest.fixture(scope="module")
def world(site: Site, lab_under_test: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The lab, with nothing installed."""
    assert "istio-system" not in site.kubectl("get", "namespaces", "-o", "name")
    directory = tmp_path_factory.mktemp("firstrun")
    requirements = ROOT / "roles" / "todo" / "files" / "app" / "requirements.txt"
    servers = FileServer(module_folder()), FileServer(package_folder(requirements, directory / "packages"))
    yield World(lab_under_test, site, *servers, directory)
    for server in servers:
        server.stop()
