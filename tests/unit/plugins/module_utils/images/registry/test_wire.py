"""What the client sends, through a recording proxy: only what the specification allows, and as the document says."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import wire_table
import wire_words
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.manifests import OCI_MANIFEST
from distribution_spec import violations
from recording_proxy import Exchange
from registry_kinds import KINDS
from registry_process import RegistryProcess
from wire_table import ABSENT, PROGRAM, Seen, between, steps


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterable[list[Seen]]:
    """Every operation at every registry."""
    program = RegistryProcess(tmp_path_factory.mktemp("wire") / "registry")
    yield list(wire_table.observe(program))
    program.stop()


def test_every_operation_comes_to_its_end_everywhere(seen: list[Seen]) -> None:
    assert [(item.operation.words, item.registry, item.error) for item in seen if item.error] == []
    assert len(seen) == (len(wire_table.OPERATIONS) + 1) * (len(KINDS) + 1) + 1


def test_nothing_is_sent_that_the_specification_does_not_allow(seen: list[Seen]) -> None:
    found = [
        (item.operation.words, item.registry, fault)
        for item in seen
        for fault in violations((*item.before, *item.exchanges))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("operation", "ways"),
    [
        ("is an image there? yes", ["`HEAD` manifest 404, `GET` manifest 200"]),
        ("is a blob there? yes", ["`HEAD` storage 403, `GET` blob by `Range` 307"]),
        ("a blob in pieces", ["`GET` blob by `Range` 206 ×3", "`GET` blob by `Range` 200, `GET` blob 200"]),
        ("a large blob is sent", ["`PATCH` upload 400, `POST` uploads 202, `PUT` upload 201"]),
        ("a small blob is sent", ["`PUT` upload 405, `POST` uploads 202, `PATCH` upload 202"]),
        ("a blob of another repository", ["`POST` mount 401) ×2, `POST` uploads", "`POST` mount 202, `PATCH` upload"]),
        ("logging in", ["`GET` token 401, `POST` token 200", "`GET` manifest 404, `GET` /v2/ 401, `GET` token 200"]),
    ],
)
def test_fallbacks_are_among_what_was_seen(seen: list[Seen], operation: str, ways: list[str]) -> None:
    told = [steps(item.exchanges) for item in seen if item.operation.words == operation]
    assert [way for way in ways if not any(way in line for line in told)] == []


def test_the_document_says_what_was_seen(seen: list[Seen]) -> None:
    """`tools/registry_table` writes it."""
    text = wire_table.DOCUMENT.read_text(encoding="utf-8")
    assert between(text, wire_table.WIRE) == wire_table.wire_table(seen)
    assert between(text, wire_table.SUITE) == wire_table.suite_table()


def test_the_document_says_when_it_stops() -> None:
    text = wire_table.DOCUMENT.read_text(encoding="utf-8")
    assert between(text, wire_table.STOPS) == wire_table.stops_table(wire_table.stops())


@pytest.mark.parametrize("mark", [wire_table.WIRE, wire_table.SUITE, wire_table.STOPS])
def test_the_chinese_document_says_the_same(mark: str) -> None:
    english, chinese = (page.DOCUMENT.read_text(encoding="utf-8") for page in (wire_table, wire_words))
    assert between(chinese, mark) == wire_words.chinese(between(english, mark))


def test_words_that_are_not_known_in_chinese_are_refused() -> None:
    for cell in ("a new operation", "broken anew, 2 requests", "all but one of a new kind"):
        with pytest.raises(ValueError, match=cell):
            wire_words.chinese(f"| {cell} |")


# The rules themselves: each of these is refused

UPLOAD = "/v2/team/app/blobs/uploads/1?state=a"
BEGIN = Exchange("POST", "/v2/team/app/blobs/uploads/", {"content-length": "0"}, b"", 202, {"location": UPLOAD})
BYTES = {"content-type": "application/octet-stream", "content-length": "5", "content-range": "0-4"}


def chunk(body: bytes = b"12345", target: str = UPLOAD, **headers: str) -> Exchange:
    changed = {**BYTES, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Exchange("PATCH", target, changed, body, 202, {"location": UPLOAD})


def end(**headers: str) -> Exchange:
    changed = {"content-type": "application/octet-stream", "content-length": "0"}
    changed.update({name.replace("_", "-"): value for name, value in headers.items()})
    return Exchange("PUT", f"{UPLOAD}&digest={ABSENT}", changed, b"", 201, {})


def get(target: str, **headers: str) -> Exchange:
    return Exchange("GET", target, headers, b"", 200, {})


LEAST = {"location": UPLOAD, "oci-chunk-min-length": "9"}
SMALL_CHUNKS = Exchange("POST", BEGIN.target, BEGIN.headers, b"", 202, LEAST)
BLOB = f"/v2/team/app/blobs/{ABSENT}"
REDIRECT = Exchange("GET", BLOB, {}, b"", 307, {"location": "http://s.test/storage/1?sig=1"})


def test_a_plain_upload_is_allowed() -> None:
    assert violations([BEGIN, chunk(), chunk(content_range="5-9"), end()]) == []


@pytest.mark.parametrize(
    ("exchanges", "fault"),
    [
        ([chunk()], "no endpoint of the specification"),
        ([BEGIN, chunk(content_range="bytes 0-4/5")], "Content-Range is"),
        ([BEGIN, chunk(content_range="0-5")], "Content-Range is"),
        ([BEGIN, chunk(content_range="5-9")], "begins at 5, where 0 bytes are"),
        ([BEGIN, chunk(), chunk()], "begins at 0, where 5 bytes are"),
        ([BEGIN, chunk(content_type="text/plain")], "of the type"),
        ([BEGIN, chunk(content_length="6")], "another one"),
        ([BEGIN, chunk(transfer_encoding="chunked")], "without its length"),
        ([BEGIN, chunk(target=UPLOAD.replace("state=a", "state=b"))], "no endpoint"),
        ([SMALL_CHUNKS, chunk(), chunk(content_range="5-9")], "OCI-Chunk-Min-Length"),
        ([BEGIN, Exchange("PUT", UPLOAD, end().headers, b"", 201, {})], "names the digest"),
        ([Exchange("POST", BEGIN.target, {}, b"", 202, {})], "Content-Length: 0"),
        ([Exchange("POST", f"{BEGIN.target}?mount=x&from=team/b", BEGIN.headers, b"", 202, {})], "a mount names"),
        ([Exchange("PUT", "/v2/team/app/manifests/1", {"content-type": "text/plain"}, b"{}", 201, {})], "its type"),
        ([get("/v2/team/app/manifests/1", accept="*/*")], "what it can read"),
        ([get("/v2/Team/app/manifests/1", accept=OCI_MANIFEST)], "no endpoint"),
        ([get("/v2/team/app/manifests/sha256:12", accept=OCI_MANIFEST)], "no endpoint"),
        ([get(BLOB, range="0-9")], "a range of bytes"),
        ([Exchange("GET", BLOB, {}, b"x", 200, {})], "where none is read"),
        ([REDIRECT, get("/storage/1?sig=1", authorization="Basic x")], "a login for whom it is not meant"),
        ([get("/token?scope=x")], "no endpoint"),
    ],
)
def test_what_is_not_allowed_is_seen(exchanges: list[Exchange], fault: str) -> None:
    assert [fault in text for text in violations(exchanges)] == [True]


def test_the_lab_s_registry_is_among_those_observed(seen: list[Seen]) -> None:
    assert {item.registry for item in seen} == {PROGRAM, wire_table.NO_RANGES, *KINDS}
