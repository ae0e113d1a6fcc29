"""Many images into one layout: each blob once, nothing twice, and no wrong byte whatever the registry does."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.copy import push_layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.fetch import (
    Fetched,
    FetchError,
    Limits,
    Wanted,
    fetch_images,
    is_complete,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.pieces import PIECE
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.progress import progress_text
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.backoff import Backoff
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.clients import Clients
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.manifests import digest_of
from faulty_registry import Fault, FaultyRegistry, Handler, hang
from registry_process import RegistryProcess
from sample_images import SampleImage
from throwaway_pki import Pki
from token_service import TokenService

IMAGE = SampleImage(layer=os.urandom(300_000))
NAME = "example.com/app:1"


def wanted(host: str, name: str = NAME, repository: str = "app", **settings: object) -> Wanted:
    return Wanted(name, (Reference(host, repository, "1"),), **settings)


def content(layout: Layout, name: str = NAME) -> bytes:
    """The layer of an image in a layout."""
    index = layout.manifest(layout.named()[name])
    manifest = layout.manifest(index.children()[0])
    return layout.read(manifest.blobs()[1])


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout.create(tmp_path / "fetched")


def test_images_of_a_real_registry_each_blob_once(mirror: RegistryProcess, layout: Layout, tmp_path: Path) -> None:
    shared = os.urandom(200_000)
    registry = Registry(mirror.host)
    names = [f"example.com/fetch/{number}:1" for number in range(5)]
    for number, name in enumerate(names):
        image = SampleImage(shared, architectures=("amd64", "arm64", f"a{number}"))
        push_layout(image.write(tmp_path / str(number), name), "", registry, Reference(mirror.host, f"f/{number}", "1"))
    clients = Clients(ImagePolicy())
    items = [wanted(mirror.host, name, f"f/{number}") for number, name in enumerate(names)]
    done = fetch_images(items, layout, clients)
    assert list(done.images) == names and done.changed
    # one layer, the configs of amd64 and arm64, and one config of each image's own
    assert done.blobs == 1 + 2 + 5
    assert all(content(layout, name) == shared for name in names)


def test_a_second_run_with_known_digests_asks_nothing(faulty: FaultyRegistry, layout: Layout) -> None:
    faulty.add(IMAGE)
    item = wanted(faulty.host, digest=IMAGE.index.digest)
    fetch_images([item], layout, Clients(ImagePolicy()))
    before = len(faulty.requests)
    again = fetch_images([item], layout, Clients(ImagePolicy()))
    assert not again.changed and again.images == {NAME: IMAGE.index.digest}
    assert len(faulty.requests) == before


def test_only_the_wanted_architecture_and_the_whole_index(faulty: FaultyRegistry, layout: Layout) -> None:
    image = SampleImage(architectures=("amd64", "arm64"))
    faulty.add(image)
    fetch_images([wanted(faulty.host, architectures=("arm64",))], layout, Clients(ImagePolicy()))
    assert layout.read(layout.named()[NAME]) == image.index.raw
    assert not layout.path(image.parts[0].digest).exists()
    assert layout.path(image.parts[1].digest).exists()
    assert is_complete(layout, wanted("", digest=image.index.digest, architectures=("arm64",)))
    assert not is_complete(layout, wanted("", digest=image.index.digest))


def test_the_next_source_is_asked_for_what_the_first_lacks(faulty: FaultyRegistry, layout: Layout) -> None:
    lacking = FaultyRegistry()
    faulty.add(IMAGE)
    sources = tuple(Reference(host, "app", "1") for host in (lacking.host, faulty.host))
    assert fetch_images([Wanted(NAME, sources)], layout, Clients(ImagePolicy())).images == {NAME: IMAGE.index.digest}
    lacking.stop()


def test_a_source_that_lacks_a_blob_is_left_for_the_next(faulty: FaultyRegistry, layout: Layout) -> None:
    lacking = FaultyRegistry()
    for registry in (lacking, faulty):
        registry.add(IMAGE)
    del lacking.blobs[digest_of(IMAGE.layer)]
    sources = tuple(Reference(host, "app", "1") for host in (lacking.host, faulty.host))
    fetch_images([Wanted(NAME, sources)], layout, Clients(ImagePolicy()))
    assert content(layout) == IMAGE.layer
    lacking.stop()


def test_a_mirror_that_has_the_image_a_moment_later(faulty: FaultyRegistry, layout: Layout) -> None:
    faulty.add(IMAGE)
    faulty.faults["manifests/1"] = [answer(404)]
    assert fetch_images([wanted(faulty.host)], layout, Clients(ImagePolicy())).images


def test_all_failures_are_told_and_the_others_are_there(faulty: FaultyRegistry, layout: Layout) -> None:
    faulty.add(IMAGE)
    names = [f"example.com/{name}:1" for name in ("a", "b", "app")]
    items = [Wanted(name, (Reference(faulty.host, "app", "1" if "app" in name else "none"),)) for name in names]
    with pytest.raises(FetchError) as caught:
        fetch_images(items, layout, Clients(ImagePolicy()))
    assert all(name in str(caught.value) for name in names[:2])
    assert list(layout.named()) == [names[2]]


def answer(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> Fault:
    return lambda handler: handler.reply(status, body, headers)


def reset(handler: Handler) -> None:
    handler.begin(200, len(IMAGE.layer))
    handler.wfile.write(IMAGE.layer[:100_000])
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def truncated(handler: Handler) -> None:
    handler.begin(200, len(IMAGE.layer))
    handler.wfile.write(IMAGE.layer[:100_000])
    handler.close_connection = True


def wrong_length(handler: Handler) -> None:
    handler.begin(200, 100_000)
    handler.wfile.write(IMAGE.layer[:100_000])


BLOB, TAG = "blobs/" + digest_of(IMAGE.layer), "manifests/1"
WRONG = b"x" * len(IMAGE.layer)
# Fault, path, how often, and the reason of the refusal ('' where the run succeeds in spite of it)
FAULTS: dict[str, tuple[Fault, str, int, str]] = {
    "429 with Retry-After": (answer(429, headers={"Retry-After": "1"}), TAG, 1, ""),
    "500 once": (answer(500), BLOB, 1, ""),
    "503 once": (answer(503), TAG, 1, ""),
    "404": (answer(404), TAG, 9, "not found"),
    "403 allow-list": (answer(403, b"not in the allow-list"), TAG, 9, "not in the allow-list"),
    "reset in mid-blob": (reset, BLOB, 1, ""),
    "truncated blob": (truncated, BLOB, 1, ""),
    "wrong digest once": (answer(200, WRONG), BLOB, 1, ""),
    "wrong digest always": (answer(200, WRONG), BLOB, 99, "wrong digest"),
    "wrong Content-Length": (wrong_length, BLOB, 1, ""),
    "hang once": (hang, BLOB, 1, ""),
    "hang always": (hang, TAG, 99, "timeout"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_fault_table(name: str, faulty: FaultyRegistry, layout: Layout, quick: Backoff) -> None:
    fault, path, times, refusal = FAULTS[name]
    faulty.add(IMAGE)
    faulty.faults[path] = [fault] * times
    outcome(layout, lambda: fetch_images([wanted(faulty.host)], layout, Clients(ImagePolicy(), quick)), refusal)


def test_fault_token_expired_in_mid_pull(faulty: FaultyRegistry, layout: Layout, quick: Backoff) -> None:
    faulty.add(IMAGE)
    faulty.guard = service = TokenService(faulty, uses=1)
    outcome(
        layout, lambda: fetch_images([wanted(faulty.host)], layout, Clients(ImagePolicy(), quick), Limits(1, 1)), ""
    )
    assert len(service.given) > 2


def test_fault_unknown_authority(pki: Pki, layout: Layout, quick: Backoff) -> None:
    registry = FaultyRegistry(pki.server_certificate, pki.server_key)
    registry.add(IMAGE)
    policy = ImagePolicy.from_config({"registries": {registry.host: {"plain_http": False}}})
    outcome(layout, lambda: fetch_images([wanted(registry.host)], layout, Clients(policy, quick)), "TLS")
    registry.stop()


def outcome(layout: Layout, fetch: Callable[[], Fetched], refusal: str) -> None:
    """Success with the right bytes, or the refusal; in both cases no blob with other bytes than its name says."""
    if refusal:
        with pytest.raises(FetchError, match=refusal):
            fetch()
        assert NAME not in layout.named()
    else:
        fetch()
        assert content(layout) == IMAGE.layer
    for path in (layout.directory / "blobs" / "sha256").iterdir():
        assert path.suffix == ".part" or digest_of(path.read_bytes()) == f"sha256:{path.name}"


def test_no_host_gets_more_streams_than_allowed(faulty: FaultyRegistry, layout: Layout) -> None:
    now: list[int] = [0, 0]
    lock = threading.Lock()

    def slow(handler: Handler) -> bool:
        with lock:
            now[0] += 1
            now[1] = max(now)
        time.sleep(0.02)
        handler.serve()
        with lock:
            now[0] -= 1
        return True

    faulty.guard = slow
    items = []
    for number in range(12):
        image = SampleImage(os.urandom(1000))
        faulty.add(image, f"t{number}")
        items.append(Wanted(f"example.com/{number}:1", (Reference(faulty.host, "app", f"t{number}"),)))
    fetch_images(items, layout, Clients(ImagePolicy()), Limits(streams=8, per_host=3))
    assert now[1] == 3


def test_a_large_blob_comes_in_pieces_on_several_connections(faulty: FaultyRegistry, layout: Layout) -> None:
    image = SampleImage(layer=os.urandom(3 * PIECE))
    faulty.add(image)
    together = threading.Barrier(3, timeout=20)

    def meet(handler: Handler) -> None:
        together.wait()
        handler.serve()

    faulty.faults[f"blobs/{digest_of(image.layer)}"] = [meet] * 3
    done = fetch_images([wanted(faulty.host)], layout, Clients(ImagePolicy()))
    assert content(layout) == image.layer
    assert done.blobs == 2
    asked = {headers["Range"] for headers in faulty.asked("GET", digest_of(image.layer))}
    assert asked == {f"bytes={start}-{start + PIECE - 1}" for start in (0, PIECE, 2 * PIECE)}
    assert not list(layout.directory.glob("blobs/*/*.part"))


def test_images_are_told_when_they_are_there(faulty: FaultyRegistry, layout: Layout) -> None:
    faulty.add(IMAGE)
    item = wanted(faulty.host, digest=IMAGE.index.digest)
    told: list[str] = []
    for _run in range(2):
        fetch_images([item], layout, Clients(ImagePolicy()), ready=lambda one: told.append(one.name))
    assert told == [NAME, NAME]


def test_progress_is_told_while_bytes_move(faulty: FaultyRegistry, layout: Layout) -> None:
    faulty.add(IMAGE)
    faulty.faults[BLOB] = [lambda handler: (time.sleep(0.3), handler.serve())[1]]
    lines: list[str] = []
    fetch_images([wanted(faulty.host)], layout, Clients(ImagePolicy()), report=lines.append, period=0.1)
    assert lines[0].startswith("0/1 images, ")
    assert lines[-1].startswith("1/1 images, 0.3 of 0.3 MB")


def test_progress_text() -> None:
    assert (
        progress_text(12, 40, 310_200_000, 802_500_000, 10) == "12/40 images, 310.2 of 802.5 MB, 31.0 MB/s, 16 s left"
    )
    assert progress_text(0, 1, 0, 0, 0) == "0/1 images, 0.0 of 0.0 MB, 0.0 MB/s"


def test_the_layout_is_one_that_others_read(faulty: FaultyRegistry, layout: Layout) -> None:
    faulty.add(IMAGE)
    fetch_images([wanted(faulty.host)], layout, Clients(ImagePolicy()))
    document = json.loads((layout.directory / "index.json").read_bytes())
    assert document["manifests"][0]["annotations"]["io.containerd.image.name"] == NAME
