"""A wrong byte at one source after the other, and then at all of them."""

from __future__ import annotations

import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml
from layered_image import ARCHITECTURE, layer, push

from ..conftest import ROOT
from .conftest import MODULES, RELEASES, World
from .servers import FileServer, module_folder
from .user import Done

pytestmark = pytest.mark.acceptance

FILE = "serving-core.yaml"
LOOK = ("--check", "--tags", "image_prefetch")  # all content, and no more
OPERATOR = "knative-releases/knative.dev/operator/cmd/operator"
SITES = {"https://github.com/": "github", "https://storage.googleapis.com/": "storage"}


def flipped(data: bytes) -> bytes:
    """The same with one bit of its middle changed."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def released() -> list[tuple[str, dict[str, Any], bytes]]:
    """The Knative files of the default set: name, its sources by kind, bytes."""
    data = yaml.safe_load((ROOT / "roles" / "serverless" / "files" / "releases.yml").read_text())
    versions, found = data["sets"][0]["versions"], []
    for component in ("knative_serving", "knative_net_istio", "knative_eventing"):
        for item in chain.from_iterable(data["content"][component][versions[component]].values()):
            sources = {
                key: source for source in item["sources"] for key in ("url", "go_module", "image") if key in source
            }
            module, path = sources["go_module"]["go_module"], sources["go_module"]["path"]
            name, _at, version = module.partition("@")
            with zipfile.ZipFile(module_folder() / name / "@v" / f"{version}.zip") as archive:
                found.append((item["name"], item, archive.read(f"{module}/{path}")))
    return found


class Sources:
    """A mirror of the release sites, the module proxy and an image with all files; `wrong` names those that lie."""

    def __init__(self, world: World, directory: Path) -> None:
        self._world, self._files = world, released()
        for _name, item, data in self._files:
            for source in item["sources"]:
                for begin, folder in SITES.items():
                    if source.get("url", "").startswith(begin) and folder == "github":
                        place = directory / folder / source["url"].removeprefix(begin)
                        place.parent.mkdir(parents=True, exist_ok=True)
                        place.write_bytes(data)
        self.site = FileServer(directory)

    def lie(self, *wrong: str) -> None:
        """Have these of site, modules and image send a wrong byte, and the others the right ones."""
        self.site.change = lambda path, data: flipped(data) if path.endswith(f"/{FILE}") else data
        self._world.modules.change = lambda path, data: flipped(data) if "/operator/" in path else data
        if "site" not in wrong:
            self.site.change = None
        if "modules" not in wrong:
            self._world.modules.change = None
        files: dict[str, Any] = {}
        for name, item, data in self._files:
            (path,) = [source["path"] for source in item["sources"] if "image" in source]
            files[path.lstrip("/")] = flipped(data) if name == FILE and "image" in wrong else data
        reference = next(source["image"] for source in self._files[0][1]["sources"] if "image" in source)
        self._tag = reference.rpartition(":")[2]
        host = f"{self._world.address}:5000"
        self._digest = push(host, f"gcr.io/{OPERATOR}", self._tag, [layer(files)], ARCHITECTURE)
        self._world.modules.asked.clear()
        self.site.asked.clear()

    def stop(self) -> None:
        """Take it all away again."""
        self.site.stop()
        self._world.modules.change = None
        address = f"http://{self._world.address}:5000/v2/gcr.io/{OPERATOR}/manifests/{self._digest}"
        urllib.request.urlopen(urllib.request.Request(address, method="DELETE"), timeout=10).close()


@pytest.fixture(scope="module")
def sources(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sources]:
    made = Sources(world, tmp_path_factory.mktemp("releases"))
    yield made
    made.stop()


def run(world: World, sources: Sources, *arguments: str) -> Done:
    """The site by a user with empty caches who has a mirror of the release sites too."""
    with ExitStack() as stack:
        network = stack.enter_context(world.network())
        network.let_in(world.address, RELEASES, sources.site.address)
        mirrors = {begin: [f"http://{world.address}:{RELEASES}/{folder}/"] for begin, folder in SITES.items()}
        user = world.user(network, serverless_content_places=[], serverless_content_mirrors=mirrors)
        done = user.run("site.yml", *arguments, *world.of_the_lab())
    print(f"\n  {done.seconds:.0f} s, connections begun: {done.reached}; module proxy: {world.modules.asked}")
    assert set(done.reached) <= world.listed | {f"{world.address}:{RELEASES}"}
    return done


def test_with_a_wrong_byte_the_next_source_is_taken_and_it_is_said(world: World, sources: Sources) -> None:
    sources.lie("site")
    done = run(world, sources, *LOOK)
    assert done.code == 0, done.output[-6000:]
    lines = done.lines(f"{FILE} is taken from knative.dev/operator@")
    assert len(lines) == 2, lines
    assert lines[0].endswith(f"/{FILE} is not what its checksum says")
    assert "HTTP 404" in lines[1]  # the other release site, which does not have it
    assert done.lines(f"from {world.address}:{RELEASES}")  # the others
    assert done.lines("components.yaml: HTTP 404")

    sources.lie("site", "modules")
    done = run(world, sources, *LOOK)
    assert done.code == 0, done.output[-6000:]
    lines = done.lines(f"{FILE} is taken from {world.address}:5000: ")
    assert len(lines) == 3 and [line for line in lines if "knative.dev/operator@" in line and "damaged" in line], lines
    assert not done.lines("is locked as sha256:")  # told where no checksum says what the file is


def test_with_all_wrong_one_error_names_each_before_anything_is_written(world: World, sources: Sources) -> None:
    sources.lie("site", "modules", "image")
    since = datetime.now(UTC)
    done = run(world, sources)
    assert done.code
    assert not world.lab.audit.writes(since)
    (head,) = {line for line in done.lines(f"{FILE} cannot be had from any of its 4 sources") if "Task" not in line}
    error = done.output[done.output.index(head) :]
    for reason in (
        f"http://{world.address}:{RELEASES}/github/knative/serving/releases/download/",
        f"/{FILE} is not what its checksum says",
        f"http://{world.address}:{RELEASES}/storage/knative-releases/serving/previous/",
        f"/{FILE}: HTTP 404",
        f"http://{world.address}:{MODULES}/knative.dev/operator/@v/",
        "is damaged at",
        f"gcr.io/{OPERATOR}:",
        f"{FILE} is not what its checksum says",
    ):
        assert reason in error, (reason, error[:4000])
