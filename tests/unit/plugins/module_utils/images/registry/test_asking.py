"""Whether an image or a blob is there, where HEAD does not tell it."""

from __future__ import annotations

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.backoff import Backoff
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.blobs import has_blob
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.manifests import digest_of
from faulty_registry import FaultyRegistry
from sample_images import SampleImage


@pytest.mark.parametrize("status", [400, 403, 404, 405, 406, 501])
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
    ],
)
def test_blobs_that_head_does_not_tell(
    faulty: FaultyRegistry, quick: Backoff, head: int, get: int | None, there: bool
) -> None:
    image = SampleImage()
    faulty.guard = lambda handler: handler.reply(head if handler.command == "HEAD" else get or 500, b"x" * 9) or True
    assert has_blob(Registry(faulty.host, backoff=quick), "app", digest_of(image.layer)) is there
    assert [headers.get("Range") for headers in faulty.asked("GET", "blobs")] == ["bytes=0-0"] * bool(get)
