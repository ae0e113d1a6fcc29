"""Manifests as registries and what stands before them send them: without a type, compressed, and of no form at all."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import ImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.inspection import inspect
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.backoff import Backoff
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.manifests import (
    OCI_INDEX,
    OCI_MANIFEST,
    digest_of,
)
from faulty_registry import FaultyRegistry
from sample_images import SampleImage

IMAGE = SampleImage()
INDEX, PART = json.loads(IMAGE.index.raw), json.loads(IMAGE.parts[0].raw)
CHILD = INDEX["manifests"][0]


def served(registry: FaultyRegistry, raw: bytes, headers: dict[str, str]) -> None:
    registry.add(IMAGE)
    registry.guard = lambda handler: handler.path.endswith("/1") and (handler.reply(200, raw, headers) or True)


@pytest.mark.parametrize(
    "header", [None, "application/json", "application/octet-stream", "text/plain; charset=utf-8", "OWN; charset=utf-8"]
)
@pytest.mark.parametrize("own", [OCI_INDEX, OCI_MANIFEST])
def test_a_manifest_that_does_not_name_its_type(
    faulty: FaultyRegistry, quick: Backoff, own: str, header: str | None
) -> None:
    document = dict(INDEX if own == OCI_INDEX else PART)
    document.pop("mediaType", None)
    raw = json.dumps(document).encode()
    served(faulty, raw, {"Content-Type": header.replace("OWN", own.upper())} if header else {})
    manifest = Registry(faulty.host, backoff=quick).manifest("app", "1")
    assert (manifest.media_type, manifest.raw) == (own, raw)


def test_an_answer_that_is_compressed_without_being_asked_for(faulty: FaultyRegistry, quick: Backoff) -> None:
    digest = {"Docker-Content-Digest": IMAGE.index.digest, "Content-Encoding": "gzip"}
    served(faulty, gzip.compress(IMAGE.index.raw), {"Content-Type": IMAGE.index.media_type, **digest})
    client = Registry(faulty.host, backoff=quick)
    assert client.manifest("app", "1").raw == IMAGE.index.raw
    assert client.head_manifest("app", "1").size == len(IMAGE.index.raw)


@pytest.mark.parametrize(
    "document",
    [
        {**INDEX, "mediaType": ["a"]},
        {**INDEX, "manifests": ["a"]},
        {**INDEX, "manifests": {"a": 1}},
        {**INDEX, "manifests": 5},
        {**INDEX, "manifests": [{**CHILD, "size": float("inf")}]},
        {**INDEX, "manifests": [{**CHILD, "platform": ["linux"]}]},
        {**PART, "layers": 5},
        {**PART, "layers": ["a"]},
        {**PART, "config": "a"},
        "deep",
    ],
    ids=range(10),
)
def test_what_has_not_the_form_of_a_manifest(faulty: FaultyRegistry, quick: Backoff, document: Any) -> None:
    raw = b"[" * 200_000 if document == "deep" else json.dumps(document).encode()
    served(faulty, raw, {"Content-Type": OCI_MANIFEST})
    with pytest.raises(ImageError):
        inspect(Registry(faulty.host, backoff=quick), Reference.parse(f"{faulty.host}/app:1"), ["amd64"])


@pytest.mark.parametrize("config", [b"name: chart", b"[]", b"null", b"{}", b'{"os":"linux","architecture":["amd64"]}'])
def test_a_config_that_is_none_of_an_image(faulty: FaultyRegistry, quick: Backoff, config: bytes) -> None:
    part = {**PART, "config": {**PART["config"], "digest": digest_of(config), "size": len(config)}}
    served(faulty, json.dumps(part).encode(), {"Content-Type": OCI_MANIFEST})
    faulty.blobs[digest_of(config)] = config
    with pytest.raises(ImageError, match="it has no amd64 for linux"):
        inspect(Registry(faulty.host, backoff=quick), Reference.parse(f"{faulty.host}/app:1"), ["amd64"])


@pytest.mark.parametrize("digest", ['"DIGEST"', "DIGEST, DIGEST", "md5:abc", "none"])
def test_a_header_that_holds_no_digest_is_not_believed(faulty: FaultyRegistry, quick: Backoff, digest: str) -> None:
    header = digest.replace("DIGEST", IMAGE.index.digest)
    served(faulty, IMAGE.index.raw, {"Content-Type": IMAGE.index.media_type, "Docker-Content-Digest": header})
    client = Registry(faulty.host, backoff=quick)
    assert client.manifest("app", "1").digest == client.has_manifest("app", "1") == IMAGE.index.digest
