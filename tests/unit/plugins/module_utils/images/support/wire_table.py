"""Every operation of the registry client against the lab's registry and twelve kinds, as it was seen on the wire.

docs/registries.md has the tables that this makes, between its marks; test_wire.py compares them, tools/registry_table
writes them.
"""

from __future__ import annotations

import io
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.copy import push_layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.pieces import Origin, SplitBlob
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import ImageError, RegistryError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.settings import RegistrySettings
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry import uploads
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.backoff import Backoff
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.blobs import (
    fetch_blob,
    has_blob,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.manifests import (
    Descriptor,
    digest_of,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.uploads import mount_blob, push_blob
from faulty_registry import FaultyRegistry, Handler
from kind_registry import KindRegistry
from quick_clock import QuickClock
from recording_proxy import BROKEN, Exchange, RecordingProxy
from registry_kinds import KINDS, PASSWORD, Kind
from registry_process import RegistryProcess
from sample_images import LAYER, SampleImage

DOCUMENT = Path(__file__).resolve().parents[6] / "docs" / "registries.md"
WIRE, STOPS, SUITE = "wire", "stops", "suite"  # the names of the marks in the document
PROGRAM = "the program distribution"
NO_RANGES = "one without ranges"
# Sizes fit to the kinds' limits (registry_kinds.py): a blob of three chunks, and one of a single request
CHUNK, SMALLER = 16_000, (4096, 512)
LARGE = bytes(range(250)) * 160
IMAGE = SampleImage(LARGE, ("amd64", "arm64"))
SMALL = digest_of(b"small")
ABSENT = digest_of(b"absent")
HERE, THERE = "team/app", "team/other"


@dataclass(frozen=True)
class Operation:
    """What the client does: in words, and with a client; `needs` are the suite's tests of what it relies on.

    `seeded` says whether the repository has the image before.
    """

    words: str
    run: Callable[[Registry, Path], object]
    needs: tuple[str, ...]
    seeded: bool = True


def _upload(data: bytes, session: str = "") -> Callable[[Registry, Path], object]:
    blob = Descriptor(LAYER, digest_of(data), len(data))
    return lambda registry, directory: push_blob(registry, HERE, blob, lambda: io.BytesIO(data), session=session)


def _copied(registry: Registry, directory: Path) -> None:
    mount = mount_blob(registry, THERE, digest_of(LARGE), HERE)
    if not mount.done:
        small = Descriptor(LAYER, digest_of(LARGE), len(LARGE))
        push_blob(registry, THERE, small, lambda: io.BytesIO(LARGE), session=mount.session)


def _pieces(registry: Registry, directory: Path) -> None:
    blob = Descriptor(LAYER, digest_of(LARGE), len(LARGE))
    split = SplitBlob(Origin(registry, HERE), blob, directory / "blob", lambda count: None, CHUNK)
    assert [split.fetch(span) for span in split.spans] == [False, False, True]


def _pushed(registry: Registry, directory: Path) -> None:
    push_layout(IMAGE.write(directory / "pushed"), "", registry, Reference(registry.host, THERE, "2"))


OPERATIONS = (
    Operation(
        "is an image there? yes",
        lambda registry, directory: registry.head_manifest(HERE, "1"),
        ("image/head/manifest-head-by-tag", "image/head/manifest-head-by-digest", "image/pull/manifest-by-tag"),
    ),
    Operation(
        "is an image there? no",
        lambda registry, directory: registry.has_manifest(HERE, "2"),
        ("missing-manifest/by-tag", "missing-manifest/by-digest"),
    ),
    Operation(
        "its manifest",
        lambda registry, directory: registry.manifest(HERE, IMAGE.index.digest),
        (
            "index/pull/manifest-by-digest",
            "large-manifest/pull/manifest-by-tag",
        ),
    ),
    Operation(
        "is a blob there? yes",
        lambda registry, directory: has_blob(registry, HERE, digest_of(LARGE)),
        ("image/head/blob-head",),
    ),
    Operation(
        "is a blob there? no",
        lambda registry, directory: has_blob(registry, HERE, ABSENT),
        ("sha256 blobs/get-missing",),
    ),
    Operation(
        "a blob",
        lambda registry, directory: fetch_blob(
            registry, HERE, Descriptor(LAYER, digest_of(LARGE), len(LARGE)), directory / "blob"
        ),
        ("image/pull/blob-get", "sha256 blobs/range requests/range 500-"),
    ),
    Operation("a blob in pieces", _pieces, ("sha256 blobs/range requests/range 500-1499",)),
    Operation(
        "a blob of another repository",
        _copied,
        ("sha256 blobs/mount/blob-mount", "sha256 blobs/mount missing/blob-mount"),
    ),
    Operation(
        "a small blob is sent",
        _upload(b"small"),
        ("sha256 blobs/post+put/blob-post-put", "sha256 blobs/bad digest post+put/blob-post-put"),
        seeded=False,
    ),
    Operation(
        "a large blob is sent",
        _upload(LARGE),
        (
            "sha256 blobs/chunked multi/blob-patch-chunked",
            "sha256 blobs/chunked out-of-order/blob-patch-chunked",
            "sha256 blobs/bad digest chunked/blob-patch-chunked",
        ),
        seeded=False,
    ),
    Operation(
        "a manifest is sent",
        lambda registry, directory: registry.put_manifest(HERE, IMAGE.parts[0].digest, IMAGE.parts[0]),
        ("image/push/manifest-by-digest",),
    ),
    Operation(
        "an index is sent",
        lambda registry, directory: registry.put_manifest(HERE, "1", IMAGE.index),
        ("index/push/manifest-by-tag", "nested-index/push/manifest-by-tag"),
    ),
    Operation("an image is sent, the second time", _pushed, ("image/head/manifest-head-by-tag",)),
)
LOGIN = Operation("logging in", lambda registry, directory: registry.manifest(HERE, "1"), ())


@dataclass(frozen=True)
class Seen:
    """One operation at one registry: what went over the wire for it and before, and whether it came to its end."""

    operation: Operation
    registry: str
    before: tuple[Exchange, ...]
    exchanges: tuple[Exchange, ...]
    error: str = ""


def observe(program: RegistryProcess) -> Iterator[Seen]:
    """Run every operation, through a recording proxy, at the lab's registry and at each kind."""
    with _sizes():
        for operation in (*OPERATIONS, LOGIN):
            for name in (PROGRAM, *KINDS, *([NO_RANGES] if operation.run is _pieces else [])):
                with tempfile.TemporaryDirectory() as directory, _registry(name, program, operation) as client:
                    registry, proxy = client
                    if operation.run is _pushed:
                        _pushed(registry, Path(directory, "first"))
                    if operation is not LOGIN:
                        _warm(registry)
                    count, error = len(proxy.exchanges), ""
                    try:
                        operation.run(registry, Path(directory))
                    except ImageError as failed:
                        error = str(failed)
                    record = tuple(proxy.exchanges)
                    yield Seen(operation, name, record[:count], record[count:], error)


@contextmanager
def _sizes() -> Iterator[None]:
    before = uploads.CHUNK, uploads.SMALLER
    uploads.CHUNK, uploads.SMALLER = CHUNK, SMALLER
    try:
        yield
    finally:
        uploads.CHUNK, uploads.SMALLER = before


@contextmanager
def _registry(name: str, program: RegistryProcess, operation: Operation) -> Iterator[tuple[Registry, RecordingProxy]]:
    played = KindRegistry(KINDS.get(name) or Kind(ranges=False)) if name != PROGRAM else None
    proxy = RecordingProxy(played.host if played else program.host)
    try:
        if played and operation.seeded:
            played.seed(IMAGE, HERE)
        elif operation.seeded:
            with tempfile.TemporaryDirectory() as directory:
                push_layout(
                    IMAGE.write(Path(directory)), "", Registry(program.host), Reference(program.host, HERE, "1")
                )
        settings = RegistrySettings(proxy.host)
        if played:
            settings = RegistrySettings(proxy.host, username=played.kind.username, password={"value": PASSWORD})
        yield Registry(proxy.host, settings, Backoff(first_pause=0.01, clock=QuickClock().clock)), proxy
    finally:
        proxy.stop()
        if played:
            played.stop()


def _warm(registry: Registry) -> None:
    """Log in for reading and for writing, so that the record has the operation alone."""
    registry.has_manifest(HERE, "warm")
    for repository in (HERE, THERE):
        registry.call("POST", f"{repository}/blobs/uploads/", repository, push=True)  # an upload that nobody ends


def steps(exchanges: tuple[Exchange, ...]) -> str:
    """Return a record in a line: methods, what they are sent to, and statuses."""
    texts = [_step(exchange) for exchange in exchanges]
    told, at = [], 0
    while at < len(texts):
        size, times = max(
            ((size, _times(texts, at, size)) for size in (1, 2)), key=lambda pair: pair[0] * (pair[1] - 1)
        )
        block = ", ".join(texts[at : at + size])
        told.append(block if times == 1 else f"{block} ×{times}" if size == 1 else f"({block}) ×{times}")
        at += size * times
    return ", ".join(told)


def _times(texts: list[str], at: int, size: int) -> int:
    """Return how often in a row the next steps come."""
    block, times = texts[at : at + size], 1
    while texts[at + size * times : at + size * (times + 1)] == block:
        times += 1
    return times if len(block) == size else 1


def _step(exchange: Exchange) -> str:
    part = " by `Range`" if "range" in exchange.headers else ""
    status = "breaks" if exchange.status == BROKEN else str(exchange.status)
    return f"`{exchange.method}` {_what(exchange)}{part} {status}"


def _what(exchange: Exchange) -> str:
    path = exchange.path
    if path == "/v2/":
        return "/v2/"
    if path.startswith("/storage/"):
        return "storage"
    if "/manifests/" in path:
        return "manifest"
    if path.endswith("/blobs/uploads/"):
        return "mount" if "mount" in exchange.query else "uploads"
    if "/uploads/" in path:
        return "upload"
    return "blob" if "/blobs/" in path else "token"


def wire_table(seen: list[Seen]) -> str:
    """Return the table of all operations, each way once with the registries that saw it."""
    lines = ["| operation | on the wire | at |", "| --- | --- | --- |"]
    for operation in (*OPERATIONS, LOGIN):
        ways: dict[str, list[str]] = {}
        for item in seen:
            if item.operation is operation:
                ways.setdefault(steps(item.exchanges) + (" (ends so)" if item.error else ""), []).append(item.registry)
        words = operation.words
        for way, registries in sorted(ways.items(), key=lambda pair: -len(pair[1])):
            lines.append(f"| {words} | {way} | {_names(registries)} |")
            words = ""
    return "\n".join(lines)


def _names(registries: list[str]) -> str:
    missing = [name for name in (PROGRAM, *KINDS) if name not in registries]
    if not missing:
        return "all"
    return f"all but {', '.join(missing)}" if len(missing) <= 3 else ", ".join(registries)


# When it stops: a registry that answers everything alike

Answering = Callable[[Handler], object]
_ANSWERS: dict[str, Answering] = {
    "404": lambda handler: handler.reply(404),
    "403": lambda handler: handler.reply(403),
    "405": lambda handler: handler.reply(405),
    "500": lambda handler: handler.reply(500),
    "no answer": lambda handler: setattr(handler, "close_connection", True),
    "429": lambda handler: handler.reply(429),
    "429, for 6 h": lambda handler: handler.reply(429, b"", {"Retry-After": "21600"}),
}
_STOPPED = ("its manifest", "is a blob there? yes", "a blob", "a blob of another repository")
_BEGUN = ("a small blob is sent", "a large blob is sent")


def stops() -> dict[str, dict[str, str]]:
    """Return, by operation and answer, after how many requests and seconds it ends, with what reason."""
    found: dict[str, dict[str, str]] = {}
    with _sizes():
        for operation in OPERATIONS:
            if operation.words in (*_STOPPED, *_BEGUN, "a manifest is sent"):
                found[operation.words] = {name: _stop(operation, answer) for name, answer in _ANSWERS.items()}
        for operation in OPERATIONS:
            if operation.words in _BEGUN:
                words = f"{operation.words}; it begins, then"
                found[words] = {name: _stop(operation, answer, begins=True) for name, answer in _ANSWERS.items()}
    return found


def _stop(operation: Operation, answer: Answering, begins: bool = False) -> str:
    random.seed(7)  # pauses have jitter
    registry, quick = FaultyRegistry(), QuickClock()
    where = {"Location": f"/v2/{HERE}/blobs/uploads/1"}

    def guard(handler: Handler) -> bool:
        if begins and handler.command == "POST":
            handler.reply(202, b"", where)
        else:
            answer(handler)
        return True

    registry.guard = guard
    client = Registry(registry.host, backoff=Backoff(clock=quick.clock))
    try:
        with tempfile.TemporaryDirectory() as directory:
            said = operation.run(client, Path(directory))
        reason = "no" if said is False else "done"
    except RegistryError as error:
        reason = str(error.reason)
    finally:
        registry.stop()
    count = len(registry.requests)
    passed = f" in {quick.passed:.0f} s" if quick.passed >= 1 else ""
    return f"{reason}, {count} request{'s' if count > 1 else ''}{passed}"


def stops_table(found: dict[str, dict[str, str]]) -> str:
    """Return the table of what ends an operation."""
    lines = [f"| all is answered by | {' | '.join(_ANSWERS)} |", "| --- " * (len(_ANSWERS) + 1) + "|"]
    lines += [f"| {words} | {' | '.join(cells.values())} |" for words, cells in found.items()]
    return "\n".join(lines)


def suite_table() -> str:
    """Return the table of what the client relies on, by the names of the suite's tests."""
    lines = ["| operation | tests of the suite |", "| --- | --- |"]
    for operation in OPERATIONS:
        lines.append(f"| {operation.words} | {', '.join(f'`{name}`' for name in operation.needs)} |")
    return "\n".join(lines)


def between(text: str, mark: str) -> str:
    """Return what the document has between two marks."""
    return text.partition(f"<!-- {mark}: begin -->\n")[2].partition(f"\n<!-- {mark}: end -->")[0]


def written(text: str, mark: str, table: str) -> str:
    """Return the document with a table between its marks."""
    before, begin, rest = text.partition(f"<!-- {mark}: begin -->\n")
    return before + begin + table + "\n" + rest[rest.index(f"<!-- {mark}: end -->") :]
