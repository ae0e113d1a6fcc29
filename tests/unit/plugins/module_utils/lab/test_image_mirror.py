"""Stocking a mirror: a real registry on loopback gets what it lacks, under the original names, and only that."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.errors import LabImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.mirror import Mirror
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.recipes import parse_recipes
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.sources import Sources
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.store import CachedImage, ImageStore
from loopback_ports import free_port

START_SECONDS = 20


def registry_binary() -> Path | None:
    """The registry below SERVERLESS_TEST_BINARIES, else the newest in the lab's cache."""
    named = os.environ.get("SERVERLESS_TEST_BINARIES")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "selfhosted-serverless" / "bin"
    folders = [Path(named), Path(named, "registry")] if named else list((cache / "registry").glob("*"))
    found = [folder / "registry" for folder in folders if (folder / "registry").is_file()]
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A running registry, by host and port."""
    binary = registry_binary()
    if binary is None:
        pytest.skip("no registry binary; make lab builds it")
    address = f"127.0.0.1:{free_port()}"
    config = tmp_path / "registry.yml"
    config.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {tmp_path}/data}}}}\nhttp: {{addr: '{address}'}}\n"
    )
    process = subprocess.Popen([binary, "serve", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(address)
        yield address
    finally:
        process.terminate()
        process.wait()


def wait_for(address: str) -> None:
    """Return when the address takes connections."""
    host, port = address.split(":")
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def images(directory: Path, content: str = "one") -> list[CachedImage]:
    """Two small images in a cache."""
    (directory / "one").write_text(content)
    (directory / "two").write_text("two")
    recipes = parse_recipes(
        {},
        {
            "registry.k8s.io/one:v1": {"entries": [{"path": "/one", "own": "one"}]},
            "docker.io/library/two:v2": {"entries": [{"path": "/two", "own": "two"}]},
        },
    )
    store = ImageStore(directory / "cache", recipes, Sources({}, directory), "amd64", [], lambda line: None)
    return store.ensure(recipes.choose([]))


def test_what_is_lacking_is_pushed_under_its_original_name(address: str, tmp_path: Path) -> None:
    lines: list[str] = []
    mirror = Mirror(address, lines.append)
    stocked = images(tmp_path)
    assert mirror.stock(stocked) == {"registry.k8s.io/one:v1", "docker.io/library/two:v2"}
    assert len(lines) == 2
    registry = Registry(address)
    assert registry.head_manifest("registry.k8s.io/one", "v1").digest == stocked[0].digest
    assert registry.head_manifest("docker.io/library/two", "v2").digest == stocked[1].digest


def test_what_is_there_is_not_pushed_again(address: str, tmp_path: Path) -> None:
    mirror = Mirror(address, lambda line: None)
    mirror.stock(images(tmp_path))
    assert mirror.lacking(images(tmp_path)) == []
    assert mirror.stock(images(tmp_path)) == set()


def test_an_image_that_changed_is_pushed_under_the_same_tag(address: str, tmp_path: Path) -> None:
    mirror = Mirror(address, lambda line: None)
    mirror.stock(images(tmp_path))
    changed = images(tmp_path, "another one")
    assert mirror.stock(changed) == {"registry.k8s.io/one:v1"}
    assert Registry(address).head_manifest("registry.k8s.io/one", "v1").digest == changed[0].digest


def test_a_mirror_that_is_not_there_is_named(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(LabImageError, match=address):
        Mirror(address, lambda line: None).stock(images(tmp_path))
