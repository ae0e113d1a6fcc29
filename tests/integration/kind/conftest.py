"""A docker daemon with clusters of kind on it, a registry that nodes reach as a mirror, and runs of the product."""

from __future__ import annotations

import io
import ipaddress
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.copy import push_layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.bundle import (
    stream_docker_images,
    stream_images,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.settings import RegistrySettings
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry

from ..conftest import ROOT
from ..support.labs import OwnLab

UNIT = ROOT / "tests" / "unit" / "plugins"
for folder in (UNIT / "support", UNIT / "module_utils" / "images" / "support"):
    sys.path.insert(0, str(folder))

from api_server import ApiServer, running_api_server  # noqa: E402
from docker_daemon import DockerDaemon  # noqa: E402
from registry_process import RegistryProcess  # noqa: E402
from sample_images import SampleImage, layer_of  # noqa: E402

from .clusters import NETWORK, Docker, KindCluster  # noqa: E402
from .tools import HERE, NODE_IMAGE, Tools, make_tools  # noqa: E402

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
# Of two source registries; no such images are at their origins
IMAGES = ("docker.io/library/kind-one:1", "registry.k8s.io/kind/two:v2")
# A source registry that there is not; only the mirror can serve its images
NOWHERE = "nowhere.invalid"
PORT = 5000
# Addresses that nothing routes to elsewhere, for the network of the nodes
SUBNETS = [f"172.31.{third}.0/24" for third in range(240, 250)]


@dataclass(frozen=True)
class Run:
    """A run that has ended: its exit code, its output, when it began and ended."""

    code: int
    output: str
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began

    @property
    def said(self) -> str:
        """The output without the breaks of long lines."""
        return " ".join(self.output.split())

    @property
    def changed(self) -> int:
        """How many tasks changed something, by the recap."""
        found = re.findall(r"^\S+\s+:.*changed=(\d+)", self.output, re.MULTILINE)
        assert found, self.output[-4000:]
        return sum(map(int, found))

    def end(self) -> str:
        """How the output ends, for messages."""
        return f"ended with {self.code}:\n{self.output[-5000:]}"


@dataclass
class World:
    """The daemon, the clusters, the mirror, and a user with a home folder."""

    tools: Tools
    docker: Docker
    address: str
    cluster: KindCluster
    mirror: str
    layout: Layout
    directory: Path
    cells: dict[str, str] = field(default_factory=dict)

    def inventory(self, clusters: list[KindCluster], **variables: Any) -> Path:
        """An inventory with nothing about nodes, whose hosts are kind's contexts."""
        hosts = [*(name.partition("/")[0] for name in IMAGES), NOWHERE]
        mirrors = {host: [f"{self.mirror}/{host}"] for host in hosts}
        given = {
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
            "serverless_images": {"mirrors": mirrors, "registries": {self.mirror: {"plain_http": True}}},
            "image_prefetch_components": [],
            "image_prefetch_check_only": [],
            "image_prefetch_extra_images": list(IMAGES),
            **variables,
        }
        contexts = {cluster.context: None for cluster in clusters}
        file = self.directory / "inventory" / "hosts.yml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(yaml.safe_dump({"clusters": {"hosts": contexts, "vars": given}}))
        return file

    def kubeconfig(self, clusters: list[KindCluster]) -> Path:
        """A kubeconfig with kind's contexts."""
        whole: dict[str, Any] = {"apiVersion": "v1", "kind": "Config", "clusters": [], "users": [], "contexts": []}
        for cluster in clusters:
            config, name = yaml.safe_load(cluster.server.kubeconfig.read_text()), cluster.context
            for kind, key in (("clusters", "cluster"), ("users", "user")):
                whole[kind].append({"name": name, key: config[kind][0][key]})
            whole["contexts"].append({"name": name, "context": {"cluster": name, "user": name}})
        file = self.directory / "kubeconfig"
        file.touch(mode=0o600)
        file.write_text(yaml.safe_dump(whole))
        return file

    def run(
        self,
        *arguments: str,
        clusters: list[KindCluster] | None = None,
        env: dict[str, str] | None = None,
        **variables: Any,
    ) -> Run:
        """Run ansible-playbook; the caller judges it."""
        clusters = clusters or [self.cluster]
        words = [self.programs / "ansible-playbook", "-i", self.inventory(clusters, **variables), *arguments]
        began = time.time()
        done = subprocess.run(
            words,
            cwd=ROOT,
            env={**self.environment(), "KUBECONFIG": str(self.kubeconfig(clusters)), **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        return Run(done.returncode, done.stdout + done.stderr, began, time.time())

    def deliver(self, *options: str, **more: Any) -> Run:
        """Run site.yml for the images alone."""
        return self.run("site.yml", "--tags", "image_prefetch", *options, **more)

    def images(self, verb: str, **more: Any) -> Run:
        """Run images.yml."""
        return self.run("playbooks/images.yml", "-e", f"images_verb={verb}", **more)

    def remove(self, **more: Any) -> Run:
        """Run uninstall.yml for the images alone."""
        return self.run("playbooks/uninstall.yml", "--tags", "image_prefetch", **more)

    @property
    def programs(self) -> Path:
        """Where the environment's programs are."""
        return Path(sys.executable).parent

    def environment(self) -> dict[str, str]:
        """The process environment of a user who has this docker daemon."""
        return {
            **os.environ,
            "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.directory / "home"),
            "DOCKER_HOST": self.address,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        }

    def kind(self, *words: str) -> str:
        """Run the real kind, which must succeed, and return what it printed."""
        done = subprocess.run(
            [self.tools.kind, *words], env=self.environment(), capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, f"kind {' '.join(words)}: {done.stderr}"
        return done.stdout

    def digest(self, name: str) -> str:
        """The digest of an image at the mirror, which is that of its index."""
        return self.layout.named()[name].digest

    def stock(self, name: str) -> None:
        """Put one more image into the layout and at the mirror."""
        stock(self.mirror, self.layout, name)

    def without(self, *names: str) -> str:
        """A PATH with all programs of the machine but these."""
        folder = Path(tempfile.mkdtemp(dir=self.directory, prefix="path-"))
        for place in os.environ["PATH"].split(os.pathsep):
            for program in Path(place).glob("*"):
                if program.name not in names and not (folder / program.name).is_symlink():
                    (folder / program.name).symlink_to(program)
        return f"{self.programs}{os.pathsep}{folder}"

    def archive(self) -> Path:
        """The images in one archive, as kind load image-archive takes it."""
        file = self.directory / "images.tar"
        with file.open("wb") as stream:
            stream_images(self.layout, IMAGES, stream)
        return file


def unused_subnet() -> ipaddress.IPv4Network:
    """One of SUBNETS that no address and no route of the machine is in."""
    words = ["ip", "-4", "-oneline", "route", "show", "table", "all"]
    routes = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    taken = [ipaddress.ip_network(found) for found in re.findall(r"^(?:\w+ )?(\d[\d./]+)", routes, re.MULTILINE)]
    free = [net for net in map(ipaddress.IPv4Network, SUBNETS) if not any(net.overlaps(other) for other in taken)]
    assert free, f"every one of {', '.join(SUBNETS)} is in use here"
    return free[0]


def write_runtime(file: Path) -> tuple[str, ...]:
    """The options of a daemon whose containers get the capabilities that there are; see files/runc.py."""
    file.write_text(f'#!/bin/sh\nexec {sys.executable} -I {HERE}/files/runc.py "$@"\n')
    file.chmod(0o755)
    return f"--add-runtime=limited={file}", "--default-runtime=limited"


def load_node_image(docker: Docker, layout: Path) -> None:
    """Give docker the image of the nodes."""
    stream = io.BytesIO()
    stream_docker_images(Layout.open(layout), [NODE_IMAGE], ARCHITECTURE, stream)
    docker("load", "--quiet", given=stream.getvalue())


def stock(mirror: str, layout: Layout, name: str) -> None:
    """Make a small image for two architectures, in a layout and at the mirror."""
    SampleImage(layer_of(name.encode()), ("amd64", "arm64")).write(layout.directory, name)
    registry = Registry(mirror, RegistrySettings(mirror, plain_http=True))
    push_layout(layout, name, registry, Reference.parse(f"{mirror}/{name}"))


def clear(docker: Docker) -> None:
    """Take away all containers and the network, which would outlive the daemon."""
    found = docker("ps", "--all", "--quiet").split()
    if found:
        docker("rm", "--force", "--volumes", *found)
    docker("network", "rm", NETWORK)


@contextmanager
def running_world(server: ApiServer) -> Iterator[World]:
    """All of it, taken away again whatever happens."""
    # Programs that the machine lacks, docker's too, and what API servers, registries and nodes run
    further = {"dockerd": "docker.io", "docker": "docker.io"}
    OwnLab(ROOT / ".lab-kind", "127.0.0.7").bring("built", lab_further_tools=further)
    tools, subnet = make_tools(ARCHITECTURE), unused_subnet()
    with ExitStack() as stack:
        # A short path, as sockets want it
        directory = Path(tempfile.mkdtemp(prefix="serverless-kind-"))
        stack.callback(shutil.rmtree, directory)
        (directory / "home").mkdir()
        mirror = f"{subnet[1]}:{PORT}"
        runtime = write_runtime(directory / "runc")
        options = ("--ip-forward=false", f"--insecure-registry={mirror}", *runtime)
        daemon = DockerDaemon(directory / "docker", *options)
        stack.callback(daemon.stop)
        docker = Docker(tuple(daemon.client))
        stack.callback(clear, docker)
        docker("network", "create", "--driver=bridge", f"--subnet={subnet}", NETWORK)
        registry = RegistryProcess(directory / "registry", host=mirror)
        stack.callback(registry.stop)
        layout = Layout.create(directory / "layout")
        for name in IMAGES:
            stock(mirror, layout, name)
        load_node_image(docker, tools.node_image)
        cluster = KindCluster("one", docker, server)
        cluster.start()
        stack.enter_context(cluster.beating())
        yield World(tools, docker, daemon.address, cluster, mirror, layout, directory)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """The API server of the cluster: a control plane without kubelets."""
    with running_api_server(tmp_path_factory.mktemp("api-server")) as running:
        yield running


@pytest.fixture(scope="module")
def world(server: ApiServer) -> Iterator[World]:
    """All of it, and a table at the end."""
    with running_world(server) as made:
        yield made
    print()
    for what, said in made.cells.items():
        print(f"| {what} | {said} |")
