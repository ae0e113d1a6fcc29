"""Blobs are sent in whichever way a registry takes them, and go on where they broke off."""

from __future__ import annotations

import http.client
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import Reason, RegistryError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry import uploads
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.backoff import Backoff
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.blobs import has_blob
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.manifests import (
    Descriptor,
    digest_of,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.transport import Answer
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.uploads import push_blob
from faulty_registry import FaultyRegistry, Handler
from kind_registry import KindRegistry
from registry_kinds import Kind
from registry_process import RegistryProcess
from sample_images import LAYER, SampleImage

KEPT = ("Location", "Range", "Docker-Content-Digest")
REFUSALS = (400, 405, 406, 411, 413, 415, 416, 422, 501)


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks of 16 000, 4096 and 512 bytes."""
    monkeypatch.setattr(uploads, "CHUNK", 16_000)
    monkeypatch.setattr(uploads, "SMALLER", (4096, 512))


@pytest.fixture
def served() -> Iterator[Callable[[Kind], KindRegistry]]:
    """Makes registries of a kind."""
    made: list[KindRegistry] = []

    def make(kind: Kind) -> KindRegistry:
        made.append(KindRegistry(kind))
        return made[-1]

    yield make
    for registry in made:
        registry.stop()


@pytest.fixture
def patient(quick: Backoff) -> Backoff:
    return replace(quick, read_timeout=20.0)


def send(registry: KindRegistry | FaultyRegistry, backoff: Backoff, size: int, client: Registry | None = None) -> str:
    """Send a blob; what was told of its progress must come to its size."""
    data = os.urandom(size)
    moved: list[int] = []
    blob = Descriptor(LAYER, digest_of(data), size)
    push_blob(client or Registry(registry.host, backoff=backoff), "app", blob, lambda: io.BytesIO(data), moved.append)
    assert sum(moved) == size
    if isinstance(registry, KindRegistry):
        assert registry.data[blob.digest] == data
    return blob.digest


def methods(registry: KindRegistry) -> list[str]:
    return [method for method, _path, _headers in registry.requests]


@pytest.mark.usefixtures("sizes")
@pytest.mark.parametrize("status", REFUSALS)
def test_no_chunks(served: Callable[[Kind], KindRegistry], patient: Backoff, status: int) -> None:
    registry = served(Kind(patch=status))
    client = Registry(registry.host, backoff=patient)
    send(registry, patient, 40_005, client)
    assert methods(registry) == ["POST", "PATCH", "POST", "PUT"]
    send(registry, patient, 40_005, client)
    assert methods(registry)[4:] == ["POST", "PUT"]


@pytest.mark.parametrize("kind", [Kind(patch=416), Kind(largest=4 * 1024 * 1024)], ids=["no chunks", "4 MiB"])
def test_a_blob_above_the_limits_in_its_real_size(
    served: Callable[[Kind], KindRegistry], patient: Backoff, kind: Kind
) -> None:
    send(served(kind), patient, 32 * 1024 * 1024 + 5)


@pytest.mark.usefixtures("sizes")
@pytest.mark.parametrize("status", REFUSALS)
@pytest.mark.parametrize(("largest", "size"), [(5000, 40_005), (600, 40_005), (5000, 9000), (600, 601)])
def test_limits_of_a_request(
    served: Callable[[Kind], KindRegistry], patient: Backoff, status: int, largest: int, size: int
) -> None:
    registry = served(Kind(largest=largest, too_large=status))
    client = Registry(registry.host, backoff=patient)
    send(registry, patient, size, client)
    seen = len(registry.requests)
    send(registry, patient, size, client)
    step = max(step for step in (4096, 512) if step <= largest)
    assert methods(registry)[seen:] == ["POST", *["PATCH"] * -(-size // step), "PUT"]
    send(registry, patient, 400, client)  # which is below each limit
    assert methods(registry)[-2:] == ["POST", "PUT"]


@pytest.mark.usefixtures("sizes")
def test_no_way_is_told_with_the_words_of_the_registry(
    served: Callable[[Kind], KindRegistry], patient: Backoff
) -> None:
    registry = served(Kind(largest=1))
    with pytest.raises(RegistryError, match="takes a blob in no way: 413 the request body is too large") as caught:
        send(registry, patient, 40_000)
    assert caught.value.reason == Reason.PROTOCOL
    assert methods(registry) == ["POST", "PATCH", "POST", "PUT", "POST", "PATCH", "POST", "PATCH"]


@pytest.mark.usefixtures("sizes")
@pytest.mark.parametrize("kept", [0, 1, 7000, 16_000])
@pytest.mark.parametrize(
    ("kind", "begun"),
    [
        (Kind(), 1),
        (Kind(location="query"), 1),
        (Kind(location="relative"), 1),
        (Kind(status="one more"), 2),
        (Kind(status="none"), 2),
        (Kind(forgets=True), 2),
    ],
    ids=["range", "query", "relative", "one byte too many", "no range", "forgotten"],
)
def test_a_broken_chunk(
    served: Callable[[Kind], KindRegistry], patient: Backoff, kind: Kind, begun: int, kept: int
) -> None:
    """It goes on where the registry says, if that can be, or begins anew, and the way stays the same."""
    registry = served(replace(kind, kept=kept))
    client = Registry(registry.host, backoff=patient)
    send(registry, patient, 40_005, client)
    assert registry.broken
    assert registry.begun == begun
    assert not client.refused


@pytest.mark.usefixtures("sizes")
def test_a_range_that_stays_behind_is_not_believed(served: Callable[[Kind], KindRegistry], patient: Backoff) -> None:
    registry = served(Kind(status="stuck", accepted=201))
    registry.broken = True
    send(registry, patient, 60_000)
    assert methods(registry) == ["POST", *["PATCH"] * 4, "PUT"]


@pytest.mark.usefixtures("sizes")
def test_the_least_size_of_chunks(served: Callable[[Kind], KindRegistry], patient: Backoff) -> None:
    registry = served(Kind(smallest=20_000, least=20_000))
    registry.broken = True
    send(registry, patient, 50_000)
    assert methods(registry) == ["POST", "PATCH", "PATCH", "PATCH", "PUT"]


@pytest.mark.usefixtures("sizes")
@pytest.mark.parametrize("size", [100, 40_000])
@pytest.mark.parametrize("status", [404, 409, 410])
def test_a_lost_upload_begins_anew(faulty: FaultyRegistry, patient: Backoff, size: int, status: int) -> None:
    where = {"Location": "/v2/app/blobs/uploads/1"}
    gone = [lambda handler: handler.reply(status, b'{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}')] * 2
    taken = {"POST": 202, "PATCH": 202, "PUT": 201}
    faulty.guard = lambda handler: handler.reply(taken[handler.command], headers=where) or True
    faulty.faults["uploads/1"] = list(gone)
    send(faulty, patient, size)
    assert len(faulty.asked("POST", "uploads")) == 3


def test_an_upload_that_is_always_lost_ends(faulty: FaultyRegistry, patient: Backoff) -> None:
    where = {"Location": "/v2/app/blobs/uploads/1"}
    faulty.guard = lambda handler: handler.reply(202 if handler.command == "POST" else 404, b"gone", where) or True
    with pytest.raises(RegistryError, match="404 gone") as caught:
        send(faulty, patient, 100)
    assert caught.value.reason == Reason.NOT_FOUND
    assert len(faulty.asked("POST", "uploads")) <= 6


@pytest.mark.usefixtures("sizes")
@pytest.mark.parametrize("status", [403, 500, 502])
def test_chunks_that_always_fail_are_followed_by_the_whole(
    faulty: FaultyRegistry, patient: Backoff, status: int
) -> None:
    """As behind servers that know no PATCH."""
    where = {"Location": "/v2/app/blobs/uploads/1"}
    taken = {"POST": 202, "PATCH": status, "PUT": 201, "GET": 404}
    faulty.guard = lambda handler: handler.reply(taken[handler.command], headers=where) or True
    send(faulty, patient, 40_000)
    assert len(faulty.asked("PUT", "uploads")) == 1


@pytest.mark.usefixtures("sizes")
@pytest.mark.parametrize("size", [12_000, 40_000])
def test_a_server_that_hangs_up_on_large_requests(faulty: FaultyRegistry, patient: Backoff, size: int) -> None:
    where = {"Location": "/v2/app/blobs/uploads/1"}

    def guard(handler: Handler) -> bool:
        if int(handler.headers.get("Content-Length") or 0) > 5000:
            handler.close_connection = True
            return True
        return handler.reply({"POST": 202, "PATCH": 202, "PUT": 201}.get(handler.command, 404), headers=where) or True

    faulty.guard = guard
    send(faulty, patient, size)
    taken = [headers for headers in faulty.asked("PATCH", "uploads") if int(headers["Content-Length"]) <= 5000]
    assert len(taken) == -(-size // 4096)


def test_a_registry_that_takes_no_upload_at_all_ends(faulty: FaultyRegistry, patient: Backoff) -> None:
    faulty.guard = lambda handler: handler.reply(500) or True
    with pytest.raises(RegistryError) as caught:
        send(faulty, patient, 10)
    assert caught.value.reason == Reason.SERVER
    assert len(faulty.requests) <= 3 * patient.attempts


@pytest.mark.usefixtures("sizes")
@pytest.mark.parametrize("arrives", [True, False], ids=["the answer is lost", "the chunk is lost"])
def test_a_chunk_that_breaks_on_its_way_to_a_real_registry(
    faulty: FaultyRegistry, mirror: RegistryProcess, patient: Backoff, arrives: bool
) -> None:
    """`distribution` says where to go on, and nothing is sent twice."""

    def passed_on(handler: Handler) -> bool:
        broken = handler.command == "PATCH" and len(faulty.asked("PATCH", "uploads")) == 2
        if broken:
            handler.close_connection = True
        if not broken or arrives:
            upstream = http.client.HTTPConnection(mirror.host)
            upstream.request(handler.command, handler.path, handler.body, dict(handler.headers))
            answer = upstream.getresponse()
            if not broken:
                handler.reply(answer.status, answer.read(), {n: v for n, v in answer.getheaders() if n in KEPT})
            upstream.close()
        return True

    faulty.guard = passed_on
    digest = send(faulty, patient, 40_005)
    assert has_blob(Registry(mirror.host, backoff=patient), "app", digest)
    sent = [method for method, _path, _headers in faulty.requests]
    assert sent == ["POST", "PATCH", "PATCH", "GET", *["PATCH"] * (1 if arrives else 2), "PUT"]


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_other_words_for_yes(faulty: FaultyRegistry, patient: Backoff, status: int) -> None:
    where = {"Location": "/v2/app/blobs/uploads/1"}
    faulty.guard = lambda handler: handler.reply(status, headers=where) or True
    send(faulty, patient, 100)
    Registry(faulty.host, backoff=patient).put_manifest("app", "1", SampleImage().index)


@pytest.mark.parametrize("said", ["0-99", "bytes=0-99", "bytes 0-99/*", "0-99/200"])
def test_how_much_is_there(said: str) -> None:
    assert uploads.received(Answer(204, {"Range": said}, b"")) == 100


@pytest.mark.parametrize("said", ["", "1-99", "0-", "0-\u00b2", f"0-{'9' * 5000}", "bytes"])
def test_what_tells_nothing_of_how_much_is_there(said: str) -> None:
    assert uploads.received(Answer(204, {"Range": said}, b"")) is None
