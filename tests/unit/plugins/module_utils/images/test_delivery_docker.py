"""Delivery to a node with docker, by a real docker daemon and a real registry as the mirror."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.copy import push_layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.delivery import (
    Delivered,
    deliver,
    take_away,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.docker import DockerNode
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.node import NodeError, Wanted
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.runtimes import node_from_config
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry
from docker_daemon import DockerDaemon
from registry_process import RegistryProcess
from sample_images import SampleImage, layer_of
from throwaway_pki import Pki

NAMES = ["docker.io/library/one:1", "gcr.io/some/two:v2"]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerDaemon]:
    process = DockerDaemon(tmp_path_factory.mktemp("docker") / "daemon")
    yield process
    process.stop()


@pytest.fixture
def node(daemon: DockerDaemon, tmp_path: Path) -> Iterator[DockerNode]:
    made = node_from_config(
        {"name": "desk", "exec": [], "runtime": "docker", "docker": daemon.client, "certs_dir": str(tmp_path / "certs")}
    )
    assert isinstance(made, DockerNode)
    yield made
    take_away(made, check=False)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    for name in NAMES:
        SampleImage(layer_of(name.encode()), ("amd64", "arm64")).write(tmp_path / "layout", name)
    return Layout.open(tmp_path / "layout")


@pytest.fixture
def wanted(layout: Layout, mirror: RegistryProcess) -> list[Wanted]:
    images = []
    for name, entry in layout.named().items():
        source = Reference.parse(f"{mirror.host}/{name}")
        push_layout(layout, name, Registry(mirror.host), source)
        images.append(Wanted(name, str(source), entry.digest))
    return images


def bring(node: DockerNode, wanted: list[Wanted], layout: Layout | None = None, check: bool = False) -> Delivered:
    return deliver(node, {}, wanted, check=check, report=lambda line: None, layout=layout)


def docker(daemon: DockerDaemon, *words: str) -> str:
    return subprocess.run([*daemon.client, *words], check=True, capture_output=True, text=True).stdout


def test_pulled_from_the_mirror_and_named_as_wanted(
    daemon: DockerDaemon, node: DockerNode, wanted: list[Wanted]
) -> None:
    assert bring(node, wanted, check=True).pulled == NAMES
    assert not node.names()
    assert bring(node, wanted).pulled == NAMES
    assert set(NAMES) <= node.names()
    assert not bring(node, wanted).changed
    assert set(take_away(node, check=False).removed) >= {"one:1", "gcr.io/some/two:v2"}
    assert not node.names()


def test_another_image_under_the_name_is_replaced(node: DockerNode, daemon: DockerDaemon, wanted: list[Wanted]) -> None:
    bring(node, wanted)
    docker(daemon, "tag", "one:1", "gcr.io/some/two:v2")
    assert bring(node, wanted).pulled == ["gcr.io/some/two:v2"]
    assert not bring(node, wanted).changed


def test_loaded_from_a_bundle(node: DockerNode, wanted: list[Wanted], layout: Layout) -> None:
    assert bring(node, wanted, layout).pulled == NAMES
    assert not bring(node, wanted, layout).changed
    take_away(node, check=False)
    assert not node.names()


def test_names_by_digest(node: DockerNode, wanted: list[Wanted], layout: Layout) -> None:
    one = wanted[0]
    pinned = str(Reference.parse(one.name).at(one.digest))
    with pytest.raises(NodeError, match=r"write serverless_images\.mode: rewrite"):
        bring(node, [Wanted(pinned, one.source, one.digest)])
    with pytest.raises(NodeError, match="docker load cannot give the names"):
        node.load(layout, [pinned], lambda count: None)
    # Rewritten, the reference names the mirror itself.
    at_mirror = str(Reference.parse(one.source).at(one.digest))
    assert bring(node, [Wanted(at_mirror, one.source, one.digest)]).pulled == [at_mirror]
    assert not bring(node, [Wanted(at_mirror, one.source, one.digest)]).changed


def test_what_a_container_uses_and_what_was_there_before_stays(
    node: DockerNode, daemon: DockerDaemon, wanted: list[Wanted]
) -> None:
    docker(daemon, "pull", "--quiet", wanted[0].source)
    docker(daemon, "tag", wanted[0].source, "one:1")
    bring(node, wanted)
    container = docker(daemon, "create", "gcr.io/some/two:v2", "/content").strip()
    assert not take_away(node, check=False).removed
    docker(daemon, "rm", container)
    assert "gcr.io/some/two:v2" in take_away(node, check=False).removed
    assert "docker.io/library/one:1" in node.names()
    docker(daemon, "rmi", "--force", *docker(daemon, "images", "--quiet").split())


def test_an_image_that_cannot_be_pulled_is_named(
    node: DockerNode, wanted: list[Wanted], mirror: RegistryProcess
) -> None:
    lost = Wanted("gcr.io/lost:1", f"{mirror.host}/gcr.io/lost:1", "sha256:" + "0" * 64)
    with pytest.raises(
        NodeError, match=r"node desk: docker .* gcr\.io/lost@sha256:0+ failed .*manifest unknown|not found"
    ):
        bring(node, [*wanted, lost])


def test_authorities_are_put_where_docker_looks(tmp_path: Path, pki: Pki, node: DockerNode) -> None:
    policy = ImagePolicy.from_config({"registries": {"own.io:5001": {"ca_file": str(pki.ca_certificate)}}})
    deliver(node, node.files(policy), [], check=False, report=lambda line: None)
    placed = tmp_path / "certs/own.io:5001/ca.crt"
    assert placed.read_bytes() == pki.ca_certificate.read_bytes()
    take_away(node, check=False)
    assert not placed.exists()
