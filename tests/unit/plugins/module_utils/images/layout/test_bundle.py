"""Bundles, and plans made of them: written, read back, damaged, incomplete."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import LayoutError, PolicyError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.bundle import (
    BundleError,
    read_bundle,
    write_bundle,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.lock import Lock, Locked
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.offline import make_plan_of_layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.extract import Found
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.manifests import digest_of
from sample_images import SampleImage

ONE, TWO = "example.com/one:1", "example.com/two:2"
LOCK = b"images: {}\n"


@pytest.fixture
def images() -> dict[str, SampleImage]:
    """Two images with different layers; the second has two architectures."""
    return {ONE: SampleImage(b"one" * 1000), TWO: SampleImage(b"two" * 1000, ("amd64", "arm64"))}


@pytest.fixture
def layout(tmp_path: Path, images: dict[str, SampleImage]) -> Layout:
    """Both images in one layout."""
    for name, image in images.items():
        found = image.write(tmp_path / "layout", name)
    return found


@pytest.fixture
def bundle(tmp_path: Path, layout: Layout) -> Path:
    """A bundle of both images."""
    path = tmp_path / "images.tar"
    assert write_bundle(layout, [ONE, TWO], LOCK, path, print)
    return path


def test_what_is_read_is_what_was_written(bundle: Path, images: dict[str, SampleImage], tmp_path: Path) -> None:
    found = read_bundle(bundle, tmp_path / "read")
    assert found.lock == LOCK
    assert {name: entry.digest for name, entry in found.layout.named().items()} == {
        name: image.index.digest for name, image in images.items()
    }
    for image in images.values():
        for part in image.parts:
            assert all(found.layout.read(blob) == image.blobs[blob.digest] for blob in part.blobs())


def test_the_same_content_is_the_same_file(bundle: Path, layout: Layout) -> None:
    before = bundle.read_bytes()
    assert not write_bundle(layout, [TWO, ONE], LOCK, bundle, print)
    assert bundle.read_bytes() == before
    assert not list(bundle.parent.glob("*.part"))


def test_only_the_named_images_are_in_it(layout: Layout, images: dict[str, SampleImage], tmp_path: Path) -> None:
    write_bundle(layout, [ONE], LOCK, tmp_path / "one.tar", print)
    found = read_bundle(tmp_path / "one.tar", tmp_path / "read")
    assert list(found.layout.named()) == [ONE]
    assert not found.layout.path(digest_of(images[TWO].layer)).exists()


def test_an_image_that_the_layout_lacks_is_named(layout: Layout, tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="example.com/three:3"):
        write_bundle(layout, [ONE, "example.com/three:3"], LOCK, tmp_path / "bundle.tar", print)
    assert not (tmp_path / "bundle.tar").exists()


def test_what_is_unpacked_is_not_unpacked_again(bundle: Path, tmp_path: Path) -> None:
    assert read_bundle(bundle, tmp_path / "read").unpacked > 0
    assert read_bundle(bundle, tmp_path / "read").unpacked == 0


def test_wrong_bytes_are_refused(bundle: Path, tmp_path: Path) -> None:
    data = bundle.read_bytes()
    at = data.index(b"oneone")
    bundle.write_bytes(data[:at] + b"ONE" + data[at + 3 :])
    with pytest.raises(BundleError, match="damaged"):
        read_bundle(bundle, tmp_path / "read")


@pytest.mark.parametrize("content", [b"", b"no archive" * 100])
def test_another_file_is_no_bundle(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "other.tar").write_bytes(content)
    with pytest.raises(BundleError, match=r"other\.tar"):
        read_bundle(tmp_path / "other.tar", tmp_path / "read")


def test_a_file_that_is_cut_off(bundle: Path, tmp_path: Path) -> None:
    bundle.write_bytes(bundle.read_bytes()[:4000])
    with pytest.raises(BundleError, match="incomplete"):
        read_bundle(bundle, tmp_path / "read")


def test_a_plan_names_what_the_bundle_lacks(layout: Layout) -> None:
    found = [Found(ONE, "a pod"), Found("example.com/three:3", "another pod")]
    plan = make_plan_of_layout(found, ImagePolicy(), ["amd64"], layout, "the bundle")
    assert [str(row.image) for row in plan.missing] == ["example.com/three:3"]
    (row,) = [row for row in plan.rows if row.source]
    assert row.inspected and row.inspected.architectures == ("amd64",)
    assert row.rule == "the bundle"


def test_a_plan_names_an_architecture_that_the_bundle_lacks(layout: Layout) -> None:
    plan = make_plan_of_layout([Found(ONE, "a"), Found(TWO, "b")], ImagePolicy(), ["arm64"], layout, "the bundle")
    assert [str(row.image) for row in plan.missing] == [ONE]
    assert "arm64" in plan.missing[0].failures[0].detail


def test_a_plan_refuses_what_the_lock_knows_otherwise(layout: Layout, images: dict[str, SampleImage]) -> None:
    found = [Found(ONE, "a"), Found(TWO, "b")]
    lock = Lock({ONE: Locked(images[ONE].index.digest), TWO: Locked(images[ONE].index.digest)})
    plan = make_plan_of_layout(found, ImagePolicy(), ["amd64"], layout, "the bundle", lock)
    assert [str(row.image) for row in plan.missing] == [TWO]
    assert "the lock says" in plan.missing[0].failures[0].detail


def test_a_name_with_tag_and_digest_is_found_by_its_digest(tmp_path: Path) -> None:
    image = SampleImage()
    name = f"example.com/app@{image.index.digest}"
    layout = image.write(tmp_path / "layout", name)
    plan = make_plan_of_layout(
        [Found(f"example.com/app:1@{image.index.digest}", "a")], ImagePolicy(), ["amd64"], layout, "the bundle"
    )
    assert not plan.missing


def test_rewritten_references_cannot_come_from_a_bundle(layout: Layout) -> None:
    policy = ImagePolicy.from_config({"mode": "rewrite", "mirrors": {"example.com": ["mirror.example.net"]}})
    with pytest.raises(PolicyError, match="mode: runtime"):
        make_plan_of_layout([Found(ONE, "a")], policy, ["amd64"], layout, "the bundle")
