"""Items with several sources: the checksum decides which of them is taken, and all that fail are named."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.content import go_module, image_file, sources
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.access import (
    Access,
    checked_mirrors,
    checked_places,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.away import Away
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.checksum import sha256_of
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.collection import collect
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.download import OTHERS_FOLLOW
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.errors import ContentError
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.image_file import ImageAccess
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.sources import locate, locate_all
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.store import Store
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.transfers import Transfers
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from layered_image import ARCHITECTURE, layer, push
from module_proxy import KNATIVE_CORE, OPERATOR, ModuleProxy, flip, sum_of, unpacked
from registry_process import RegistryProcess
from release_site import Site


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "ONLY_SOURCE", OTHERS_FOLLOW)


def core() -> Path:
    return unpacked(OPERATOR, KNATIVE_CORE)


@pytest.fixture
def everywhere(
    site: Site, proxy: ModuleProxy, registry: RegistryProcess, tmp_path: Path, no_module_cache: None
) -> tuple[dict, Access]:
    """One file at a release site, in a folder, in a module and in an image, and how they are reached."""
    data = core().read_bytes()
    site.files = {"/serving-core.yaml": data}
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "core.yaml").write_bytes(data)
    top = push(registry.host, "operator", "1", [layer({"var/run/ko/core.yaml": data})], ARCHITECTURE)
    item = {
        "name": "serving-core.yaml",
        "sha256": sha256_of(core()),
        "sources": [
            {"url": f"{site.url}/serving-core.yaml"},
            {"path": str(tmp_path / "folder" / "core.yaml")},
            {"go_module": OPERATOR, "sum": sum_of(OPERATOR), "path": KNATIVE_CORE},
            {"image": f"gcr.io/operator@{top}", "path": "/var/run/ko/core.yaml"},
        ],
    }
    policy = ImagePolicy.from_config({"mode": "rewrite", "mirrors": {"gcr.io": [registry.host]}})
    return item, Access(Store(tmp_path / "store"), go_proxy=proxy.url, images=ImageAccess(policy))


PLACES = ("url", "path", "go_module", "image")


@pytest.mark.parametrize("place", PLACES)
def test_any_source_will_do(everywhere: tuple[dict, Access], place: str) -> None:
    item, access = everywhere
    if place != "path":
        Path(item["sources"][1]["path"]).unlink()
    only = Access(access.store, (place,), go_proxy=access.go_proxy, images=access.images)
    source = locate(item, only)
    assert source.place.read_bytes() == core().read_bytes()
    assert source.item.get(place)


def damage(place: str, item: dict, site: Site, proxy: ModuleProxy, registry: RegistryProcess) -> None:
    """One wrong byte at one place."""
    data = flip(500)(core().read_bytes())
    if place == "url":
        site.files = {"/serving-core.yaml": data}
    elif place == "path":
        Path(item["sources"][1]["path"]).write_bytes(data)
    elif place == "go_module":
        proxy.change = flip(2_000_000)
    else:
        top = push(registry.host, "operator", "2", [layer({"var/run/ko/core.yaml": data})], ARCHITECTURE)
        item["sources"][3]["image"] = f"gcr.io/operator@{top}"


@pytest.mark.parametrize("right", PLACES)
def test_with_a_wrong_byte_the_next_is_taken_and_with_all_wrong_each_is_named(
    everywhere: tuple[dict, Access], site: Site, proxy: ModuleProxy, registry: RegistryProcess, right: str
) -> None:
    item, access = everywhere
    for place in PLACES:
        if place != right:
            damage(place, item, site, proxy, registry)
    source = locate(item, access)
    assert source.item.get(right) and source.place.read_bytes() == core().read_bytes()
    shutil.rmtree(access.store.directory)
    damage(right, item, site, proxy, registry)
    with pytest.raises(ContentError) as caught:
        locate(item, access)
    lines = str(caught.value).splitlines()
    assert lines[0] == "serving-core.yaml cannot be had from any of its 4 sources:"
    for begin in (f"{site.url}/serving-core.yaml is not", item["sources"][1]["path"], OPERATOR, "gcr.io/operator@"):
        assert [line for line in lines if line.strip().startswith(begin)], begin


def test_a_source_may_have_another_form_and_so_a_checksum_of_its_own(site: Site, tmp_path: Path) -> None:
    site.files = {"/components.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: built}\n"}
    wrong = tmp_path / "folder"
    (wrong / "base").mkdir(parents=True)
    (wrong / "base" / "kustomization.yaml").write_text("resources: []\n")
    right = tmp_path / "right.yaml"
    right.write_bytes(site.files["/components.yaml"])
    item = {
        "sha256": "1" * 64,
        "sources": [
            {"path": str(wrong), "kind": "kustomize", "build": "base"},
            {"url": f"{site.url}/components.yaml", "sha256": sha256_of(right)},
        ],
    }
    source = locate(item, Access(Store(tmp_path / "store")))
    assert source.digest == sha256_of(right) and "kind" not in source.item


def test_mirrors_take_the_place_of_an_origin(site: Site, tmp_path: Path) -> None:
    site.files = {"/github/a/b.yaml": b"x"}
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    mirrors = {
        "https://origin.invalid/": [f"{site.url}/all/"],
        "https://origin.invalid/a/": [f"{site.url}/none/", f"{site.url}/github/a/"],
    }
    given = Access(Store(tmp_path / "store"), mirrors=checked_mirrors(mirrors))
    assert locate({"url": "https://origin.invalid/a/b.yaml", "sha256": digest}, given).place.read_bytes() == b"x"
    assert site.asked == ["/none/b.yaml", "/github/a/b.yaml"]
    for wrong in ({"https://x/": []}, {"x": ["https://y/"]}, {"https://x/": "y"}, {"https://x/": None}):
        with pytest.raises(ContentError, match="serverless_content_mirrors"):
            checked_mirrors(wrong)


@pytest.mark.parametrize(
    ("begin", "mirror", "asked"),
    [
        ("https://a.example/", "https://m.example/a", "https://m.example/a/b/c.yaml"),
        ("https://a.example", "https://m.example/a/", "https://m.example/a/b/c.yaml"),
        ("https://a.example", "https://m.example/a", "https://m.example/a/b/c.yaml"),
        ("https://a.example/", "https://a.example", "https://a.example/b/c.yaml"),
        ("https://a.example/", "https://m.example/https://a.example/", "https://m.example/https://a.example/b/c.yaml"),
        ("https://a.example/", "https://m.example/?path=", "https://m.example/?path=b/c.yaml"),
        ("https://a.example/b", "https://m.example/beta", "https://m.example/beta/c.yaml"),
    ],
)
def test_a_slash_too_few_or_too_many_does_not_matter(begin: str, mirror: str, asked: str) -> None:
    assert Access(mirrors=checked_mirrors({begin: mirror})).urls("https://a.example/b/c.yaml") == [asked]


def test_only_the_places_that_are_named_are_asked(everywhere: tuple[dict, Access], site: Site) -> None:
    item, access = everywhere
    locate(item, Access(access.store, ("go_module",), go_proxy=access.go_proxy))
    assert not site.asked
    with pytest.raises(ContentError, match="url alone, which serverless_content_places leaves out"):
        locate({"url": "http://x/y", "sha256": "0" * 64}, Access(access.store, ("image",)))
    with pytest.raises(ContentError, match="serverless_content_places"):
        checked_places(["urls"])


def test_the_silence_of_a_host_is_paid_for_once(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that takes no connection: its queue is full, as one behind a filter never answers."""
    site.files = {"/x": b"x", "/y": b"y"}
    with socket.socket() as silent, contextlib.ExitStack() as queue:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        address = silent.getsockname()
        for _turn in range(3):
            waiting = queue.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        monkeypatch.setattr(sources, "OTHERS_FOLLOW", replace(OTHERS_FOLLOW, connect=0.5))
        given = Access(Store(tmp_path / "store"))
        seconds = []
        for name in ("x", "y"):
            (tmp_path / name).write_bytes(site.files[f"/{name}"])
            urls = [f"http://{address[0]}:{address[1]}/{name}", f"{site.url}/{name}"]
            started = time.monotonic()
            assert locate({"url": urls, "sha256": sha256_of(tmp_path / name)}, given).label == urls[1]
            seconds.append(time.monotonic() - started)
    assert seconds[0] >= 0.5 > seconds[1]


@contextlib.contextmanager
def swallower() -> Iterator[tuple[str, Callable[[], int]]]:
    """A server that takes connections and says nothing, as one behind a filter of names; and how many it took."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(server.accept()[0])

        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}", lambda: len(taken)
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("place", ["url", "go_module", "image"])
def test_a_host_that_connects_and_says_nothing_is_paid_for_once_whatever_is_asked_of_it(
    site: Site, tmp_path: Path, no_module_cache: None, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Several files at once, and then others, as the next role asks for them."""
    quick = replace(OTHERS_FOLLOW, connect=1.0, silence=1.0)
    for module in (sources, go_module, image_file):
        monkeypatch.setattr(module, "OTHERS_FOLLOW", quick)
    site.files = {f"/{number}": str(number).encode() for number in range(8)}
    told: list[str] = []
    with swallower() as (host, taken):
        first = {
            "url": lambda path: {"url": f"http://{host}{path}"},
            "go_module": lambda path: {"go_module": OPERATOR, "sum": sum_of(OPERATOR), "path": path},
            "image": lambda path: {"image": "gcr.io/operator:1", "path": path},
        }[place]
        policy = ImagePolicy.from_config({"mode": "rewrite", "mirrors": {"gcr.io": [host]}})
        given = Access(
            Store(tmp_path / "store"),
            go_proxy=f"http://{host}",
            images=ImageAccess(policy, tmp_path / "lock.yml"),
            transfers=Transfers(told.append),
        )
        items = [
            {"sha256": hashlib.sha256(data).hexdigest(), "sources": [first(path), {"url": site.url + path}]}
            for path, data in site.files.items()
        ]
        locate_all(items[:4], given)
        asked = taken()
        assert asked == 1 if place == "go_module" else 1 <= asked <= 4  # files of one module wait for each other
        locate_all(items[4:], given)
        assert taken() == asked
    assert len([line for line in told if line.startswith(f"{host}: ")]) == 1, told


def test_a_source_that_is_not_taken_is_told(everywhere: tuple[dict, Access], site: Site) -> None:
    item, access = everywhere
    site.files = {"/serving-core.yaml": flip(500)(core().read_bytes())}
    Path(item["sources"][1]["path"]).unlink()
    told: list[str] = []
    locate(item, replace(access, transfers=Transfers(told.append)))
    assert told == [
        f"serving-core.yaml is taken from {OPERATOR}: {site.url}/serving-core.yaml is not what its checksum says",
        f"serving-core.yaml is taken from {OPERATOR}: {item['sources'][1]['path']}: there is no "
        f"{item['sources'][1]['path']}",
    ]


def test_where_files_came_from_is_told_in_the_end(everywhere: tuple[dict, Access], site: Site) -> None:
    item, access = everywhere
    Path(item["sources"][1]["path"]).unlink()
    told: list[str] = []
    given = replace(access, transfers=Transfers(told.append))
    locate_all([item], given)
    assert told == [f"fetched serving-core.yaml from {site.url.partition('://')[2]}"]
    told.clear()
    locate_all([item], given)
    assert not told


def test_what_this_machine_cannot_build_is_had_elsewhere(site: Site, tmp_path: Path) -> None:
    site.files = {"/components.yaml": b"x"}
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "kustomization.yaml").write_text("resources: []\n")
    built = {"path": str(tmp_path / "folder"), "kind": "kustomize", "sha256": sha256_of(tmp_path / "folder")}
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    item = {
        "name": "components.yaml",
        "kubectl": "/nowhere/kubectl",
        "sources": [built, {"url": f"{site.url}/components.yaml", "sha256": digest}],
    }
    assert locate(item, Access(Store(tmp_path / "store"))).digest == digest
    alone = "it is built by kubectl, and there is no program /nowhere/kubectl"
    with pytest.raises(ContentError, match=alone):
        locate({**item, "sources": [built]}, Access(Store(tmp_path / "store")))


def test_a_host_that_was_away_is_asked_last_and_not_left_out(site: Site, tmp_path: Path) -> None:
    site.files = {"/x": b"x"}
    given = Access(Store(tmp_path / "store"))
    Away(given.store.directory).note(site.url.partition("://")[2])
    (tmp_path / "x").write_bytes(b"x")
    item = {"url": [f"{site.url}/x", "http://127.0.0.1:9/x"], "sha256": sha256_of(tmp_path / "x")}
    assert locate(item, given).place.read_bytes() == b"x"
    assert not Away(given.store.directory).knows(site.url.partition("://")[2])
    assert Away(given.store.directory).knows("127.0.0.1:9")


def test_a_file_of_this_machine_needs_not_be_listed(everywhere: tuple[dict, Access], site: Site) -> None:
    item, access = everywhere
    source = locate(item, Access(access.store, ("url",)))
    assert source.label == item["sources"][1]["path"] and not site.asked


def test_an_url_without_a_checksum_is_passed_over_unless_there_is_a_pin(site: Site, tmp_path: Path) -> None:
    site.files = {"/x": b"x"}
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    item = {"sources": [{"url": f"{site.url}/x"}, {"path": "/nowhere", "sha256": digest}]}
    with pytest.raises(ContentError, match=r"no checksum is known for it(.|\n)*there is no /nowhere"):
        locate(item, Access(Store(tmp_path / "store")))
    assert not site.asked
    pinned = Access(Store(tmp_path / "store"), pins={f"{site.url}/x": digest})
    assert locate(item, pinned).digest == digest


def test_every_item_that_cannot_be_had_is_named(site: Site, tmp_path: Path) -> None:
    items = [{"url": f"{site.url}/{name}", "sha256": "0" * 64} for name in ("a", "b")]
    with pytest.raises(ContentError, match=r"/a: HTTP 404(.|\n)*/b: HTTP 404"):
        locate_all(items, Access(Store(tmp_path / "store")))


def test_what_is_kept_elsewhere_under_its_checksum_is_used(tmp_path: Path, site: Site) -> None:
    """As the content of a bundle is, on the side without a network."""
    digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / digest).write_bytes(b"x")
    store = Store(tmp_path / "store", [tmp_path / "bundle"])
    assert locate({"url": f"{site.url}/x", "sha256": digest}, Access(store)).place.read_bytes() == b"x"
    assert not site.asked


def test_a_collected_site_needs_no_network(
    everywhere: tuple[dict, Access], site: Site, proxy: ModuleProxy, registry: RegistryProcess, tmp_path: Path
) -> None:
    """Also a file that nothing but the lock of its image pins, and a folder."""
    item, access = everywhere
    push(registry.host, "tool", "1", [layer({"bin/tool": b"a tool"})], ARCHITECTURE)
    lock = tmp_path / "lock.yml"
    images = ImageAccess(access.images.policy, lock)
    folder = {"go_module": OPERATOR, "path": KNATIVE_CORE.rpartition("/")[0], "sha256": sha256_of(core().parent)}
    items = [item, {"image": "gcr.io/tool:1", "path": "bin/tool"}, folder]
    here = Access(access.store, go_proxy=access.go_proxy, images=images)
    found = locate_all(items, here)
    collect(found, here.store, tmp_path / "bundle")
    site.asked.clear()
    proxy.asked.clear()
    nowhere = ImageAccess(ImagePolicy.from_config({"mode": "rewrite", "mirrors": {"gcr.io": ["127.0.0.1:9"]}}), lock)
    there = Access(Store(tmp_path / "other", [tmp_path / "bundle"]), go_proxy="off", images=nowhere)
    assert [source.digest for source in locate_all(items, there)] == [source.digest for source in found]
    assert not site.asked and not proxy.asked


def test_what_to_do_where_hosts_are_not_reached_is_said_once(tmp_path: Path) -> None:
    items = [
        {"url": f"http://127.0.0.1:1/{name}.yaml", "sha256": digit * 64} for name, digit in (("a", "1"), ("b", "2"))
    ]
    with pytest.raises(ContentError) as caught:
        locate_all(items, Access(Store(tmp_path / "store")))
    lines = str(caught.value).splitlines()
    assert len(lines) == 3 and lines[-1].startswith("Where a host is not reached: look at the network")
    missing = [{"path": "/nowhere.yaml", "sha256": "1" * 64}]
    with pytest.raises(ContentError) as caught:
        locate_all(missing, Access(Store(tmp_path / "store")))
    assert "not reached" not in str(caught.value)
