"""The cache of images: made once, made again when an input changes, and complete image layouts."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.errors import LabImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.recipes import Recipes, parse_recipes
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.sources import Sources
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.store import CachedImage, ImageStore

LAYERS = {"static": {"entries": [{"path": "/tmp", "directory": True, "mode": "1777"}]}}
IMAGES: dict[str, Any] = {
    "docker.io/a/one:v1": {"base": "static", "program": {"component": "tools", "file": "one", "path": "/one"}},
    "docker.io/a/two:v1": {"base": "static", "entries": [{"path": "/two", "own": "two"}], "config": {"User": "7"}},
}


class Workshop:
    """A component and files of the role's own, and a store over them."""

    def __init__(self, directory: Path) -> None:
        self.component = directory / "tools" / "0123"
        self.own = directory / "own"
        self.cache = directory / "cache"
        self.lines: list[str] = []
        self.component.mkdir(parents=True)
        self.own.mkdir()
        (self.component / "one").write_text("one")
        (self.own / "two").write_text("two")

    def recipes(self, images: dict[str, Any] | None = None) -> Recipes:
        return parse_recipes(LAYERS, images or IMAGES)

    def store(self, recipes: Recipes, architecture: str = "amd64") -> ImageStore:
        sources = Sources({"tools": self.component}, self.own)
        return ImageStore(self.cache, recipes, sources, architecture, [], self.lines.append)

    def ensure(self, images: dict[str, Any] | None = None) -> list[CachedImage]:
        recipes = self.recipes(images)
        return self.store(recipes).ensure(recipes.choose([]))


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def test_a_second_run_makes_nothing(workshop: Workshop) -> None:
    first = workshop.ensure()
    assert [image.built for image in first] == [True, True]
    assert [line.split(" (")[0] for line in workshop.lines][0] == "1/3 image layer static"
    workshop.lines.clear()
    second = workshop.ensure()
    assert [image.built for image in second] == [False, False]
    assert [image.digest for image in second] == [image.digest for image in first]
    assert workshop.lines == []


def test_an_image_is_made_again_when_its_file_changes_and_the_other_is_not(workshop: Workshop) -> None:
    before = {image.name: image.digest for image in workshop.ensure()}
    (workshop.own / "two").write_text("another two")
    after = {image.name: image for image in workshop.ensure()}
    assert not after["docker.io/a/one:v1"].built
    assert after["docker.io/a/two:v1"].built
    assert after["docker.io/a/two:v1"].digest != before["docker.io/a/two:v1"]


def test_an_image_is_made_again_when_its_component_was_built_again(workshop: Workshop) -> None:
    workshop.ensure()
    workshop.component = workshop.component.rename(workshop.component.with_name("4567"))
    assert [image.built for image in workshop.ensure()] == [True, False]


def test_the_layout_is_an_index_of_one_platform_with_all_blobs(workshop: Workshop) -> None:
    image = workshop.ensure()[1]
    layout = Layout.open(image.directory)
    found = layout.find("docker.io/a/two:v1")
    assert found.digest == image.digest
    child = layout.manifest(found).children()[0]
    assert child.platform == {"architecture": "amd64", "os": "linux"}
    manifest = layout.manifest(child)
    config = json.loads(layout.read(manifest.config()))
    assert config["config"] == {"User": "7"}
    assert len(config["rootfs"]["diff_ids"]) == 2
    for blob in manifest.blobs():
        assert f"sha256:{hashlib.sha256(layout.path(blob.digest).read_bytes()).hexdigest()}" == blob.digest
    sizes = sum(path.stat().st_size for path in (image.directory / "blobs" / "sha256").iterdir())
    assert image.size == sizes


def test_a_shared_layer_is_stored_once(workshop: Workshop) -> None:
    one, two = (set(image.directory.glob("blobs/sha256/*")) for image in workshop.ensure())
    shared = {path.stat().st_ino for path in one} & {path.stat().st_ino for path in two}
    assert len(shared) == 1


def test_the_archive_holds_the_layout(workshop: Workshop) -> None:
    recipes = workshop.recipes()
    store = workshop.store(recipes)
    image = store.ensure(recipes.choose(["docker.io/a/one:v1"]))[0]
    with tarfile.open(store.archive(image)) as archive:
        names = set(archive.getnames())
        assert {"index.json", "oci-layout", f"blobs/sha256/{image.digest.removeprefix('sha256:')}"} <= names
        assert all(member.isfile() or member.isdir() for member in archive)
    assert store.archive(image).stat().st_mtime == store.archive(image).stat().st_mtime


def test_what_a_killed_run_left_is_cleared(workshop: Workshop) -> None:
    image = workshop.ensure()[1]
    left = image.directory.with_name(f".part-{image.directory.name}-dead")
    image.directory.rename(left)
    assert workshop.ensure()[1].digest == image.digest
    assert not left.exists()


def test_a_missing_source_is_named_and_leaves_nothing(workshop: Workshop) -> None:
    (workshop.component / "one").unlink()
    with pytest.raises(LabImageError, match="/one comes from"):
        workshop.ensure()
    assert not list(workshop.cache.glob("images/docker.io_a_one_v1/.part-*"))


def test_a_component_that_was_not_given_is_named(workshop: Workshop) -> None:
    recipes = workshop.recipes()
    store = ImageStore(workshop.cache, recipes, Sources({}, workshop.own), "amd64", [], workshop.lines.append)
    with pytest.raises(LabImageError, match="component tools, whose directory was not given"):
        store.ensure(recipes.choose([]))
