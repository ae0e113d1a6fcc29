"""strict: a node refuses every registry that is not listed, and no other. By a real containerd and real registries."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.copy import push_layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import PolicyError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.containerd_hosts import host_files
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.delivery import deliver, take_away
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.node import Node, NodeError, Wanted
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.runtimes import node_from_config
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry
from containerd_process import ContainerdProcess
from registry_process import RegistryProcess
from sample_images import SampleImage, layer_of

REFUSED = r"http-refused://not-in-serverless_images\.mirrors/v2/team/app/manifests/1\?ns=ghcr\.io"


@pytest.fixture(scope="module")
def containerd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerdProcess]:
    process = ContainerdProcess(tmp_path_factory.mktemp("containerd") / "daemon")
    yield process
    process.stop()


@pytest.fixture
def node(containerd: ContainerdProcess, tmp_path: Path) -> Node:
    config = {"name": "n", "exec": containerd.exec, "address": containerd.address, "certs_dir": str(tmp_path / "certs")}
    return node_from_config(config)


def pull(node: Node, name: str) -> None:
    node.pull(Wanted(name, "", ""))


@pytest.mark.parametrize("mode", ["runtime", "rewrite"])
def test_what_is_not_listed_is_refused_and_all_else_is_not(
    mode: str, node: Node, mirror: RegistryProcess, tmp_path: Path
) -> None:
    layout = SampleImage(layer_of(mode.encode())).write(tmp_path / "layout")
    for place in ("docker.io/team/app", "team/own"):
        push_layout(layout, "", Registry(mirror.host), Reference.parse(f"{mirror.host}/{place}:1"))
    # The registry listed with its origin stands for any that answers under its own name.
    mirrors = {"docker.io": [f"{mirror.host}/docker.io"], "origin.example": [mirror.host, "origin.example"]}
    policy = ImagePolicy.from_config({"mirrors": mirrors, "mode": mode, "strict": True})
    Path(node.certs_dir, "_default").mkdir(parents=True)
    Path(node.certs_dir, "_default/hosts.toml").write_text("# the owner's\n")
    deliver(node, node.files(policy), [], check=False, report=print)
    assert not deliver(node, node.files(policy), [], check=False, report=print).changed

    start = time.monotonic()
    with pytest.raises(NodeError, match=REFUSED):
        pull(node, "ghcr.io/team/app:1")
    assert time.monotonic() - start < 10
    pull(node, f"{mirror.host}/team/own:1")
    if mode == "runtime":
        pull(node, "docker.io/team/app:1")
        pull(node, "origin.example/team/own:1")
    else:
        # Manifests name the mirrors now; the source is as good as any other registry that is not listed.
        pull(node, f"{mirror.host}/docker.io/team/app:1")
        with pytest.raises(NodeError, match="http-refused"):
            pull(node, "docker.io/team/app:1")
        with pytest.raises(NodeError, match=r'"https://origin\.example/v2/team/own/manifests/2"'):
            pull(node, "origin.example/team/own:2")

    take_away(node, check=False)
    left = [path for path in Path(node.certs_dir).rglob("*") if path.is_file()]
    assert [path.read_text() for path in left] == ["# the owner's\n"]


def test_the_directories_of_a_strict_policy() -> None:
    config = {"mirrors": {"docker.io": ["a.io/hub", "docker.io"]}, "registries": {"own.io": {}}}
    assert sorted(host_files(ImagePolicy.from_config(config))) == ["docker.io/hosts.toml"]
    strict = host_files(ImagePolicy.from_config({**config, "strict": True}))
    assert sorted(strict) == [f"{name}/hosts.toml" for name in ("_default", "a.io", "docker.io", "own.io")]
    assert b'server = "https://own.io"' in strict["own.io/hosts.toml"]
    assert b'host."https://a.io/v2/hub"' in strict["docker.io/hosts.toml"]


def test_strict_is_asked_for_and_then_holds_for_the_plan_too() -> None:
    image = Reference.parse("ghcr.io/team/app:1")
    assert not ImagePolicy.from_config({}).strict
    assert ImagePolicy.from_config({}).candidates(image)
    with pytest.raises(PolicyError, match=r"no rule says where ghcr\.io/team/app:1 may come from"):
        ImagePolicy.from_config({"strict": True}).candidates(image)
    with pytest.raises(PolicyError, match="true or false"):
        ImagePolicy.from_config({"strict": "false"})


@pytest.mark.parametrize("runtime", ["docker", "cri-o"])
def test_runtimes_that_cannot_be_told(runtime: str) -> None:
    with pytest.raises(PolicyError, match="strict cannot be told to"):
        node_from_config({"name": "n", "exec": [], "runtime": runtime}).files(ImagePolicy.from_config({"strict": True}))
