"""A large blob in pieces: right bytes, continued where it was, in one stream where a registry knows no ranges."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.pieces import Origin, SplitBlob
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import ImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.backoff import Backoff
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.manifests import (
    Descriptor,
    digest_of,
)
from faulty_registry import FaultyRegistry, Handler

DATA = os.urandom(250_000)
PIECE = 100_000
BLOB = Descriptor("application/octet-stream", digest_of(DATA), len(DATA))


@pytest.fixture
def split(faulty: FaultyRegistry, tmp_path: Path, quick: Backoff) -> SplitBlob:
    faulty.blobs[BLOB.digest] = DATA
    origin = Origin(Registry(faulty.host, backoff=quick), "app")
    return SplitBlob(origin, BLOB, tmp_path / "blob", lambda count: None, PIECE)


def ranges(faulty: FaultyRegistry) -> list[str]:
    return [headers.get("Range", "all") for headers in faulty.asked("GET", "blobs")]


def test_the_last_piece_completes_it(faulty: FaultyRegistry, split: SplitBlob, tmp_path: Path) -> None:
    assert [split.fetch(span) for span in split.spans] == [False, False, True]
    assert (tmp_path / "blob").read_bytes() == DATA
    assert os.listdir(tmp_path) == ["blob"]
    assert ranges(faulty) == ["bytes=0-99999", "bytes=100000-199999", "bytes=200000-249999"]


def test_a_piece_is_continued(faulty: FaultyRegistry, split: SplitBlob, tmp_path: Path) -> None:
    (tmp_path / "blob.100000.part").write_bytes(DATA[100_000:130_000])
    for span in split.spans:
        split.fetch(span)
    assert (tmp_path / "blob").read_bytes() == DATA
    assert "bytes=130000-199999" in ranges(faulty)


def test_a_registry_without_ranges_sends_it_whole(faulty: FaultyRegistry, split: SplitBlob, tmp_path: Path) -> None:
    faulty.guard = lambda handler: handler.reply(200, DATA) or True
    for span in split.spans:
        split.fetch(span)
    assert (tmp_path / "blob").read_bytes() == DATA
    assert ranges(faulty) == ["bytes=0-99999", "all"]
    assert os.listdir(tmp_path) == ["blob"]


def test_wrong_bytes_in_a_piece(faulty: FaultyRegistry, split: SplitBlob, tmp_path: Path) -> None:
    def wrong(handler: Handler) -> None:
        handler.reply(206, b"x" * PIECE, {"Content-Range": f"bytes 0-{PIECE - 1}/{len(DATA)}"})

    faulty.faults["blobs"] = [wrong]
    for span in split.spans:
        split.fetch(span)
    assert (tmp_path / "blob").read_bytes() == DATA
    assert ranges(faulty)[-1] == "all"


def test_a_failure_is_told_once_and_ends_the_rest(faulty: FaultyRegistry, split: SplitBlob, tmp_path: Path) -> None:
    faulty.faults["blobs"] = [lambda handler: handler.reply(404)]
    first, second, third = split.spans
    assert not split.fetch(first) and not split.fetch(second)
    with pytest.raises(ImageError, match="not found"):
        split.fetch(third)
    assert len(ranges(faulty)) == 1
    assert not (tmp_path / "blob").exists()
