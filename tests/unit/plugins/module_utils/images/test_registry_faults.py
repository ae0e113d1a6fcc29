"""What the client makes of a registry that misbehaves: success, or a clear refusal, never a wrong byte."""

from __future__ import annotations

import io
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import (
    ImageError,
    Reason,
    RegistryError,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.settings import RegistrySettings
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.backoff import Backoff
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.blobs import fetch_blob
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.manifests import (
    Descriptor,
    digest_of,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.uploads import CHUNK, push_blob
from faulty_registry import FaultyRegistry, Handler, hang
from loopback_ports import free_port
from sample_images import LAYER, SampleImage
from throwaway_pki import Pki

IMAGE = SampleImage(layer=bytes(range(256)) * 4000)
BLOB = Descriptor(LAYER, digest_of(IMAGE.layer), len(IMAGE.layer))


def answer(status: int, body: bytes = b"", headers: dict[str, str] | None = None):
    return lambda handler: handler.reply(status, body, headers)


def half_then_reset(handler: Handler) -> None:
    handler.begin(200, len(IMAGE.layer))
    handler.wfile.write(IMAGE.layer[: len(IMAGE.layer) // 2])
    handler.wfile.flush()
    # Discard instead of a polite end: once it has read what came, the client sees a reset.
    time.sleep(0.2)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def client(faulty: FaultyRegistry, quick: Backoff) -> Registry:
    faulty.add(IMAGE)
    return Registry(faulty.host, backoff=quick)


def refused(client: Registry, version: str = "1") -> RegistryError:
    with pytest.raises(RegistryError) as caught:
        client.manifest("app", version)
    return caught.value


def test_waits_as_long_as_a_rate_limit_asks(faulty: FaultyRegistry, client: Registry) -> None:
    faulty.faults["manifests"] = [answer(429, headers={"Retry-After": "1"})]
    start = time.monotonic()
    assert client.manifest("app", "1").digest == IMAGE.index.digest
    assert 1.0 <= time.monotonic() - start < 10.0


@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_that_is_asked_for_holds_for_all_streams(faulty: FaultyRegistry, client: Registry, status: int) -> None:
    arrivals: list[float] = []

    def arrived(handler: Handler) -> bool:
        arrivals.append(time.monotonic())
        return False

    def refuse(handler: Handler) -> None:
        arrived(handler)
        handler.reply(status, headers={"Retry-After": "1"})

    faulty.faults["manifests/1"] = [refuse]
    faulty.guard = arrived
    with pytest.raises(RegistryError):
        client.call("GET", "app/manifests/1", "app", expect={200}, retry=False)
    with ThreadPoolExecutor(8) as streams:
        found = list(streams.map(lambda number: client.manifest(f"app{number}", "1").digest, range(8)))
    assert found == [IMAGE.index.digest] * 8
    assert len(arrivals) == 9
    assert [moment - arrivals[0] for moment in arrivals[1:] if moment - arrivals[0] < 1.0] == []


def test_a_long_rate_limit_is_told_with_its_end(faulty: FaultyRegistry, client: Registry) -> None:
    faulty.faults["manifests"] = [answer(429, headers={"Retry-After": "3600"})]
    error = refused(client)
    assert (error.reason, error.retry_after) == (Reason.RATE_LIMIT, 3600)
    assert "ends in 1 h" in str(error)
    assert len(faulty.requests) == 1


@pytest.mark.parametrize("status", [500, 503])
def test_a_servers_trouble_is_tried_again(faulty: FaultyRegistry, client: Registry, status: int) -> None:
    faulty.faults["manifests"] = [answer(status)]
    assert client.manifest("app", "1").raw == IMAGE.index.raw


def test_lasting_trouble_ends(faulty: FaultyRegistry, client: Registry) -> None:
    faulty.faults["manifests"] = [answer(500, b"<html>sorry</html>")] * 9
    assert refused(client).reason == Reason.SERVER
    assert len(faulty.requests) == 3


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "1"}], ids=["backoff", "Retry-After"])
def test_a_registry_may_be_away_for_a_moment(faulty: FaultyRegistry, quick: Backoff, headers: dict[str, str]) -> None:
    faulty.add(IMAGE)
    back = time.monotonic() + 2.5

    def away(handler: Handler) -> None:
        if time.monotonic() < back:
            faulty.faults["manifests"].append(away)
            handler.reply(503, headers=headers)
        else:
            handler.serve()

    faulty.faults["manifests"] = [away]
    client = Registry(faulty.host, backoff=replace(quick, patience=6.0, first_pause=0.2))
    assert client.manifest("app", "1").raw == IMAGE.index.raw


@pytest.mark.parametrize("size", [1, CHUNK + 1], ids=["whole", "chunks"])
@pytest.mark.parametrize(
    ("status", "headers"),
    [(503, {}), (503, {"Retry-After": "1"}), (429, {"Retry-After": "1"})],
    ids=["503", "503 and Retry-After", "429"],
)
def test_an_upload_survives_a_registry_that_takes_nothing_for_a_moment(
    faulty: FaultyRegistry, quick: Backoff, status: int, headers: dict[str, str], size: int
) -> None:
    """It begins uploads all the while, as one whose storage is away does."""
    back = time.monotonic() + 1.5
    where = {"Location": "/v2/app/blobs/uploads/1"}

    def upload(handler: Handler) -> bool:
        if handler.command == "POST":
            handler.reply(202, headers=where)
        elif time.monotonic() < back:
            handler.reply(status, headers=headers)
        else:
            handler.reply(202 if handler.command == "PATCH" else 201, headers=where)
        return True

    faulty.guard = upload
    client = Registry(faulty.host, backoff=replace(quick, patience=6.0, first_pause=0.1, read_timeout=5.0))
    data = bytes(size)
    push_blob(client, "app", Descriptor(LAYER, digest_of(data), size), lambda: io.BytesIO(data))
    assert time.monotonic() >= back


def test_a_registry_that_stays_away_is_waited_for_once(quick: Backoff) -> None:
    host = f"127.0.0.1:{free_port()}"
    client = Registry(host, backoff=replace(quick, patience=1.0, first_pause=0.1, longest_pause=0.3))
    started = time.monotonic()
    assert refused(client).reason == Reason.REFUSED
    first = time.monotonic() - started
    assert refused(client).reason == Reason.REFUSED
    assert 1.0 <= first and time.monotonic() - started - first < 1.0


def test_what_is_not_there_is_asked_for_once(faulty: FaultyRegistry, client: Registry) -> None:
    error = refused(client, "2")
    assert error.reason == Reason.NOT_FOUND
    assert "MANIFEST_UNKNOWN" in str(error)
    assert len(faulty.requests) == 1


def test_an_allow_list_speaks_for_itself(faulty: FaultyRegistry, client: Registry) -> None:
    faulty.faults["manifests"] = [answer(403, b"not in the allowlist, see https://example.com/list")]
    error = refused(client)
    assert error.reason == Reason.FORBIDDEN
    assert "not in the allowlist" in error.detail


def test_a_hang_is_a_timeout(faulty: FaultyRegistry, client: Registry) -> None:
    faulty.faults["manifests"] = [hang] * 9
    assert refused(client).reason == Reason.TIMEOUT


def test_nobody_listens(quick: Backoff) -> None:
    host = f"127.0.0.1:{free_port()}"
    assert refused(Registry(host, backoff=quick)).reason == Reason.REFUSED


def test_a_port_that_is_none() -> None:
    with pytest.raises(ImageError, match="registry.invalid:99999 is no host and port"):
        Registry("registry.invalid:99999")


def test_a_name_without_address(quick: Backoff) -> None:
    assert refused(Registry("registry.invalid", backoff=quick)).reason == Reason.DNS


def test_an_unknown_authority(pki: Pki, quick: Backoff) -> None:
    registry = FaultyRegistry(pki.server_certificate, pki.server_key)
    registry.add(IMAGE)
    try:
        error = refused(Registry(registry.host, RegistrySettings(registry.host, plain_http=False), quick))
        assert error.reason == Reason.TLS
        assert "ca_file" in str(error)
        known = Registry(registry.host, RegistrySettings(registry.host, str(pki.ca_certificate)), quick)
        assert known.manifest("app", "1").digest == IMAGE.index.digest
    finally:
        registry.stop()


def test_a_manifest_of_another_digest(faulty: FaultyRegistry, client: Registry) -> None:
    digest = IMAGE.index.digest
    faulty.manifests[digest] = (IMAGE.index.media_type, IMAGE.index.raw + b" ")
    assert refused(client, digest).reason == Reason.DIGEST


def test_a_head_without_digest_is_followed_by_the_manifest(faulty: FaultyRegistry, client: Registry) -> None:
    assert client.head_manifest("app", "1") == IMAGE.index.descriptor()


def test_a_download_goes_on_after_a_reset(faulty: FaultyRegistry, client: Registry, tmp_path: Path) -> None:
    faulty.faults["blobs"] = [half_then_reset]
    moved: list[int] = []
    fetch_blob(client, "app", BLOB, tmp_path / "blob", moved.append)
    assert (tmp_path / "blob").read_bytes() == IMAGE.layer
    assert sum(moved) == BLOB.size
    assert faulty.asked("GET", "blobs")[1]["Range"].startswith("bytes=")


def test_a_download_of_an_earlier_run_goes_on(faulty: FaultyRegistry, client: Registry, tmp_path: Path) -> None:
    (tmp_path / "blob.part").write_bytes(IMAGE.layer[:1000])
    fetch_blob(client, "app", BLOB, tmp_path / "blob")
    assert (tmp_path / "blob").read_bytes() == IMAGE.layer
    assert faulty.asked("GET", "blobs")[0]["Range"] == "bytes=1000-"


def test_a_server_without_ranges_begins_anew(faulty: FaultyRegistry, client: Registry, tmp_path: Path) -> None:
    (tmp_path / "blob.part").write_bytes(IMAGE.layer[:1000])
    faulty.faults["blobs"] = [answer(200, IMAGE.layer)]
    fetch_blob(client, "app", BLOB, tmp_path / "blob")
    assert (tmp_path / "blob").read_bytes() == IMAGE.layer


def test_a_blob_that_ends_too_early(faulty: FaultyRegistry, client: Registry, tmp_path: Path) -> None:
    faulty.faults["blobs"] = [answer(200, IMAGE.layer[:5000])]
    fetch_blob(client, "app", BLOB, tmp_path / "blob")
    assert (tmp_path / "blob").read_bytes() == IMAGE.layer


def test_wrong_bytes_once_and_always(faulty: FaultyRegistry, client: Registry, tmp_path: Path) -> None:
    wrong = bytes(BLOB.size)
    faulty.faults["blobs"] = [answer(200, wrong)]
    fetch_blob(client, "app", BLOB, tmp_path / "once")
    assert (tmp_path / "once").read_bytes() == IMAGE.layer
    faulty.faults["blobs"] = [answer(200, wrong)] * 9
    with pytest.raises(RegistryError) as caught:
        fetch_blob(client, "app", BLOB, tmp_path / "always")
    assert caught.value.reason == Reason.DIGEST
    assert not (tmp_path / "always").exists()


def test_a_blob_that_does_not_end(faulty: FaultyRegistry, client: Registry, tmp_path: Path) -> None:
    faulty.faults["blobs"] = [answer(200, IMAGE.layer + b"more")]
    with pytest.raises(RegistryError) as caught:
        fetch_blob(client, "app", BLOB, tmp_path / "blob")
    assert caught.value.reason == Reason.DIGEST
