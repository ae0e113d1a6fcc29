"""Copying between layouts and real registries."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.copy import copy_image, push_layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import LayoutError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.settings import RegistrySettings
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry import blobs, uploads
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.manifests import digest_of
from registry_process import RegistryProcess
from sample_images import SampleImage


def target(host: str, name: str) -> Reference:
    return Reference(host, name, "1")


def test_push_keeps_every_byte_and_a_second_one_asks_once(mirror: RegistryProcess, tmp_path: Path) -> None:
    image = SampleImage(architectures=("amd64", "arm64"))
    layout = image.write(tmp_path / "layout")
    registry = Registry(mirror.host)
    done = push_layout(layout, "", registry, target(mirror.host, "docker.io/first/app"))
    assert (done.changed, done.digest, done.blobs) == (True, image.index.digest, 3)
    assert registry.manifest("docker.io/first/app", "1").raw == image.index.raw

    before = registry.transport.requests
    again = push_layout(layout, "", registry, target(mirror.host, "docker.io/first/app"))
    assert not again.changed
    assert registry.transport.requests - before == 1


def test_large_blobs_go_in_chunks(mirror: RegistryProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "CHUNK", 1000)
    image = SampleImage(layer=b"0123456789" * 333)
    registry = Registry(mirror.host)
    moved: list[int] = []
    push_layout(image.write(tmp_path / "layout"), "", registry, target(mirror.host, "chunked/app"), moved.append)
    assert sum(moved) == sum(len(data) for data in image.blobs.values())
    blobs.fetch_blob(
        registry, "chunked/app", registry.manifest("chunked/app", image.parts[0].digest).blobs()[1], tmp_path / "blob"
    )
    assert (tmp_path / "blob").read_bytes() == image.layer


def test_registry_to_registry_with_tls_and_password(
    mirror: RegistryProcess, private: RegistryProcess, private_settings: RegistrySettings, tmp_path: Path
) -> None:
    image = SampleImage(layer=b"from here to there" * 999)
    source, goal = Registry(mirror.host), Registry(private.host, private_settings)
    push_layout(image.write(tmp_path / "layout"), "", source, target(mirror.host, "second/app"))
    done = copy_image(source, target(mirror.host, "second/app"), goal, target(private.host, "copied/app"))
    assert done.digest == image.index.digest == goal.has_manifest("copied/app", "1")


def test_within_a_registry_blobs_are_mounted(mirror: RegistryProcess, tmp_path: Path) -> None:
    image = SampleImage(layer=b"mounted" * 999)
    registry = Registry(mirror.host)
    push_layout(image.write(tmp_path / "layout"), "", registry, target(mirror.host, "third/app"))
    done = copy_image(registry, target(mirror.host, "third/app"), registry, target(mirror.host, "fourth/app"))
    assert (done.changed, done.blobs, done.skipped) == (True, 0, 2)


def test_a_layout_that_lacks_or_damages_a_blob(mirror: RegistryProcess, tmp_path: Path) -> None:
    image = SampleImage(layer=b"damaged" * 99)
    layout = image.write(tmp_path / "layout")
    layout.path(image.index.digest).write_bytes(bytes(len(image.index.raw)))
    with pytest.raises(LayoutError, match="damaged"):
        push_layout(layout, "", Registry(mirror.host), target(mirror.host, "fifth/app"))
    layout.write(image.index.raw, image.index.digest)
    layout.path(digest_of(image.layer)).unlink()
    with pytest.raises(LayoutError, match="lacks the blob"):
        push_layout(layout, "", Registry(mirror.host), target(mirror.host, "fifth/app"))


def test_names_in_a_layout(tmp_path: Path) -> None:
    first, second = SampleImage(b"1"), SampleImage(b"2")
    layout = first.write(tmp_path / "layout", "example.com/a:1")
    assert layout.find().digest == first.index.digest
    second.write(tmp_path / "layout", "example.com/b:2")
    assert layout.find("example.com/b:2").digest == layout.find("2").digest == second.index.digest
    with pytest.raises(LayoutError, match="2 images"):
        layout.find()
    with pytest.raises(LayoutError, match="no OCI image layout"):
        Layout.open(tmp_path)
