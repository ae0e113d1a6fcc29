"""What a client may send to a registry: the rules of the OCI distribution specification 1.1, checked on a record.

Source: spec.md of opencontainers/distribution-spec v1.1.1: "Endpoints", "Pulling", "Pushing"; RFC 9110 for ranges.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urljoin, urlsplit

from recording_proxy import Exchange

_NAME = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
_TAG = r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}"
_DIGEST = r"(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})"
_MANIFEST = re.compile(rf"/v2/{_NAME}/manifests/(?:{_TAG}|{_DIGEST})")
_BLOB = re.compile(rf"/v2/{_NAME}/blobs/{_DIGEST}")
_UPLOADS = re.compile(rf"/v2/{_NAME}/blobs/uploads/")
_RANGE = re.compile(r"bytes=(?:\d+-\d*)")
_SPAN = re.compile(r"(\d+)-(\d+)")
_TYPES = re.compile(
    r"application/vnd\.(?:oci\.image\.(?:manifest|index)|docker\.distribution\.manifest(?:\.list)?)\.v[12]\+json"
)


def violations(exchanges: Iterable[Exchange]) -> list[str]:
    """Return in words every request that the specification does not allow, in their order.

    Addresses that a registry gave (of uploads, of its storage, of its token service) are taken as it gave them; any
    other one that is no endpoint of the specification is a fault.
    """
    found: list[str] = []
    given = _Given()
    for exchange in exchanges:
        found += [f"{exchange.method} {exchange.target}: {text}" for text in _faults(exchange, given)]
        given.learn(exchange)
    return found


class _Given:
    """What the registry has said: addresses to go on at, and how far each upload is."""

    def __init__(self) -> None:
        self.uploads: dict[str, int | None] = {}  # bytes that are there; None: only the registry knows
        self.least: dict[str, int] = {}
        self.short: dict[str, bool] = {}
        self.storage: set[str] = set()
        self.services: set[str] = set()

    def learn(self, exchange: Exchange) -> None:
        """Note what an answer says."""
        here = f"http://x{exchange.target}"
        location = urljoin(here, exchange.answer.get("location", ""))
        place = _place(location)
        if exchange.status in (301, 302, 303, 307, 308):
            self.storage.add(place)
        elif exchange.method == "POST" and exchange.status == 202:
            self.uploads[place] = 0
            self.least[place] = int(exchange.answer.get("oci-chunk-min-length") or 0)
        elif exchange.method == "PATCH":
            there = self.uploads.pop(_place(exchange.target), None)
            least = self.least.get(_place(exchange.target), 0)
            self.short[place] = len(exchange.body) < least
            known = there is not None and exchange.status in (200, 201, 202, 204)
            self.uploads[place] = there + len(exchange.body) if known and there is not None else None
            self.least[place] = least
        elif exchange.method == "GET" and _place(exchange.target) in self.uploads:
            self.uploads.setdefault(place, None)
            said = re.fullmatch(r"(?:bytes=)?0-(\d+)", exchange.answer.get("range", ""))
            self.uploads[place] = None if not said else int(said[1]) + 1 if int(said[1]) else 0
        if exchange.status == 401:
            for realm in re.findall(r'realm="([^"]*)"', exchange.answer.get("www-authenticate", "")):
                self.services.add(urlsplit(realm).path)


def _faults(exchange: Exchange, given: _Given) -> list[str]:
    method, path, query, headers = exchange.method, exchange.path, exchange.query, exchange.headers
    if "transfer-encoding" in headers:
        return ["a body without its length"]
    if path in given.services:
        return [] if method in ("GET", "POST") else [f"a token service knows no {method}"]
    if _place(exchange.target) in given.storage and not _BLOB.fullmatch(path):
        faults = [] if method in ("GET", "HEAD") else ["storage is read alone"]
        return [*faults, *(["a login for whom it is not meant"] if "authorization" in headers else [])]
    if method in ("GET", "HEAD") and exchange.body:
        return ["a body where none is read"]
    if path == "/v2/":
        return [] if method == "GET" else ["end-1 is GET"]
    if _MANIFEST.fullmatch(path):
        return _of_manifest(exchange)
    if _place(exchange.target) in given.uploads:
        return _of_session(exchange, given)
    if _BLOB.fullmatch(path):
        asked = headers.get("range", "")
        wrong = asked and not _RANGE.fullmatch(asked)
        return [] if method in ("GET", "HEAD") and not wrong else ["end-2 is GET and HEAD, with a range of bytes"]
    if _UPLOADS.fullmatch(path):
        return _of_beginning(method, query, headers)
    return ["no endpoint of the specification, and no address that the registry gave"]


def _of_manifest(exchange: Exchange) -> list[str]:
    if exchange.method in ("GET", "HEAD"):
        accepted = [item.strip() for item in exchange.headers.get("accept", "").split(",")]
        return [] if all(map(_TYPES.fullmatch, accepted)) else [f"does not say what it can read: {accepted}"]
    if exchange.method != "PUT":
        return ["end-3 and end-7 are GET, HEAD and PUT"]
    kind = exchange.headers.get("content-type", "")
    return [] if _TYPES.fullmatch(kind) and exchange.body else [f"a manifest without its type: {kind!r}"]


def _of_beginning(method: str, query: dict[str, list[str]], headers: dict[str, str]) -> list[str]:
    if method != "POST":
        return ["end-4 and end-11 are POST"]
    if headers.get("content-length") != "0":
        return ["the begin of an upload has Content-Length: 0"]
    if not query:
        return []
    mounts = re.fullmatch(_DIGEST, query.get("mount", [""])[0]) and re.fullmatch(_NAME, query.get("from", [""])[0])
    return [] if mounts and set(query) == {"mount", "from"} else ["a mount names a digest and a repository"]


def _of_session(exchange: Exchange, given: _Given) -> list[str]:
    method, headers, place = exchange.method, exchange.headers, _place(exchange.target)
    if method == "GET":
        return []
    if method not in ("PATCH", "PUT"):
        return ["end-5, end-6 and end-13 are PATCH, PUT and GET"]
    faults = []
    if headers.get("content-type") != "application/octet-stream":
        faults.append(f"bytes of the type {headers.get('content-type')!r}")
    if headers.get("content-length") != str(len(exchange.body)):
        faults.append("a length that is another one")
    if method == "PUT":
        if not re.fullmatch(_DIGEST, exchange.query.get("digest", [""])[0]):
            faults.append("the end of an upload names the digest")
        if exchange.body and given.uploads.get(place):
            faults.append("a whole blob after chunks")
        return faults
    span = _SPAN.fullmatch(headers.get("content-range", ""))
    if not span or int(span[2]) - int(span[1]) + 1 != len(exchange.body):
        return [*faults, f"Content-Range is {headers.get('content-range')!r}, for {len(exchange.body)} bytes"]
    there = given.uploads.get(place)
    if there is not None and int(span[1]) != there:
        faults.append(f"a chunk that begins at {span[1]}, where {there} bytes are")
    if given.short.get(place):
        faults.append("a chunk below OCI-Chunk-Min-Length was not the last")
    return faults


def _place(target: str) -> str:
    """An address without host, query order and digest, as an upload is known by."""
    parts = urlsplit(target)
    rest = sorted(item for item in parts.query.split("&") if item and not item.startswith("digest="))
    return f"{parts.path}?{'&'.join(rest)}"
