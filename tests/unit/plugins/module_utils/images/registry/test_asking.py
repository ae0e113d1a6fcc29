"""Whether an image or a blob is there, where HEAD does not tell it."""

from __future__ import annotations

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.backoff import Backoff
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.blobs import has_blob
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.manifests import digest_of
from faulty_registry import FaultyRegistry, Handler
from sample_images import SampleImage


@pytest.mark.parametrize("status", [400, 403, 404, 405, 406, 500, 501, 503])
def test_a_manifest_that_head_denies(faulty: FaultyRegistry, quick: Backoff, status: int) -> None:
    image = SampleImage()
    faulty.add(image)
    faulty.guard = lambda handler: handler.command == "HEAD" and (handler.reply(status) or True)
    client = Registry(faulty.host, backoff=quick)
    assert client.has_manifest("app", "1") == image.index.digest
    assert client.has_manifest("app", image.index.digest) == image.index.digest
    assert client.has_manifest("app", "none") == ""


@pytest.mark.parametrize(
    ("head", "get", "there"),
    [
        (200, None, True),
        (404, None, False),
        (403, 206, True),
        (403, 200, True),
        (405, 206, True),
        (400, 404, False),
        (403, 403, False),
        (501, 206, True),
        (500, 206, True),
        (503, 404, False),
    ],
)
def test_blobs_that_head_does_not_tell(
    faulty: FaultyRegistry, quick: Backoff, head: int, get: int | None, there: bool
) -> None:
    image = SampleImage()
    faulty.guard = lambda handler: handler.reply(head if handler.command == "HEAD" else get or 500, b"x" * 9) or True
    assert has_blob(Registry(faulty.host, backoff=quick), "app", digest_of(image.layer)) is there
    assert [headers.get("Range") for headers in faulty.asked("GET", "blobs")] == ["bytes=0-0"] * bool(get)


def test_a_server_that_hangs_up_on_head(faulty: FaultyRegistry, quick: Backoff) -> None:
    image = SampleImage()
    faulty.add(image)

    def hang_up(handler: Handler) -> bool:
        handler.close_connection = handler.command == "HEAD"
        return handler.close_connection

    faulty.guard = hang_up
    client = Registry(faulty.host, backoff=quick)
    assert client.has_manifest("app", "1") == image.index.digest
    assert has_blob(client, "app", digest_of(image.layer)) and not has_blob(client, "app", digest_of(b"none"))


def test_a_storage_that_wants_a_login_for_head(faulty: FaultyRegistry, quick: Backoff) -> None:
    image, storage = SampleImage(), FaultyRegistry()
    faulty.add(image)
    storage.guard = lambda handler: handler.reply(401) or True
    where = {"Location": f"http://{storage.host}/signed-for-get"}
    faulty.guard = lambda handler: handler.command == "HEAD" and (handler.reply(307, b"", where) or True)
    assert Registry(faulty.host, backoff=quick).has_manifest("app", "1") == image.index.digest
    storage.stop()


def test_a_limit_is_no_reason_to_ask_otherwise(faulty: FaultyRegistry, quick: Backoff) -> None:
    """A GET of a manifest counts as a pull at Docker Hub, a HEAD does not."""
    image = SampleImage()
    faulty.add(image)
    faulty.faults["manifests"] = [lambda handler: handler.reply(429, b"", {"Retry-After": "1"})]
    assert has_blob(Registry(faulty.host, backoff=quick), "app", digest_of(image.layer))
    Registry(faulty.host, backoff=quick).has_manifest("app", "1")
    assert [method for method, path, _headers in faulty.requests if "manifests" in path][:2] == ["HEAD", "HEAD"]
