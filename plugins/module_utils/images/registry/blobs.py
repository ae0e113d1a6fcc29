# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blobs of a registry: ask, fetch with resume, mount, upload whole or in chunks. Every byte is verified by digest."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlencode, urljoin

try:
    from urllib3.exceptions import HTTPError
except ImportError:
    HTTPError = OSError  # type: ignore[assignment,misc]

from ..errors import Reason, RegistryError
from .client import Registry
from .failures import of_status
from .manifests import Descriptor
from .transport import Opener

# Blobs up to this go in one request; larger ones in chunks, so that a broken connection costs one chunk.
CHUNK = 32 * 1024 * 1024
_READ = 64 * 1024  # what a killed download may lose, for each stream

UPLOADED_AGAIN = frozenset({Reason.BROKEN, Reason.TIMEOUT, Reason.SERVER, Reason.REFUSED, Reason.RATE_LIMIT})

Progress = Callable[[int], None]  # called with the number of bytes that have just moved


class NoRanges(RegistryError):
    """A registry sends a whole blob where a part of it was asked for."""


def has_blob(registry: Registry, repository: str, digest: str) -> bool:
    """Return whether a repository has a blob."""
    answer = registry.call("HEAD", f"{repository}/blobs/{digest}", repository, expect={200, 404})
    return answer.status == 200


def read_blob(registry: Registry, repository: str, blob: Descriptor) -> bytes:
    """Return a small blob (a config), verified."""
    answer = registry.call("GET", f"{repository}/blobs/{blob.digest}", repository, expect={200})
    if f"sha256:{hashlib.sha256(answer.body).hexdigest()}" != blob.digest:
        raise registry.error(Reason.DIGEST, f"{repository}: the blob is not what {blob.digest} stands for")
    return answer.body


def fetch_blob(
    registry: Registry, repository: str, blob: Descriptor, target: Path, progress: Progress = lambda count: None
) -> None:
    """Bring a blob into a file, which appears complete and verified or not at all.

    What an earlier, broken run left in `<target>.part` is continued. Gives up like fetch_span, or when the bytes are
    wrong twice.
    """
    part = target.with_name(f"{target.name}.part")
    for _attempt in range(2):
        fetch_span(registry, repository, blob, part, range(blob.size), progress)
        if _digest_of_file(part) == blob.digest:
            part.replace(target)
            return
        part.unlink()
    raise registry.error(Reason.DIGEST, f"{repository}: the bytes are not what {blob.digest} stands for")


def fetch_span(
    registry: Registry, repository: str, blob: Descriptor, part: Path, span: range, progress: Progress
) -> None:
    """Bring some bytes of a blob into a file, which is continued where it ends.

    Gives up after `backoff.attempts` tries in a row that brought nothing. Raises NoRanges if a registry sends the
    whole blob instead of a span that is not all of it.
    """
    backoff, fruitless = registry.transport.backoff, 0
    part.parent.mkdir(parents=True, exist_ok=True)
    part.touch()
    if part.stat().st_size > len(span):
        part.unlink()
        part.touch()
    while (have := part.stat().st_size) < len(span):
        failure: RegistryError | None = None
        try:
            _fetch_rest(registry, repository, blob, part, span, have, progress)
        except RegistryError as error:
            if error.reason not in (Reason.BROKEN, Reason.TIMEOUT):
                raise
            failure = error
        now = part.stat().st_size
        fruitless = 0 if now > have else fruitless + 1
        if fruitless >= backoff.attempts:
            raise failure or registry.error(Reason.BROKEN, f"{repository}: {blob.digest} ends too early")
        if now < len(span):
            time.sleep(backoff.pause(fruitless + 1, None))


def mount_blob(registry: Registry, repository: str, digest: str, source: str) -> bool:
    """Have a blob of another repository of the same registry in this one; False where the registry does not."""
    query = urlencode({"mount": digest, "from": source})
    answer = registry.call("POST", f"{repository}/blobs/uploads/?{query}", repository, push=True, expect={201, 202})
    if answer.status == 202:
        _cancel(registry, repository, answer.headers.get("Location", ""))
    return answer.status == 201


def push_blob(
    registry: Registry, repository: str, blob: Descriptor, opener: Opener, progress: Progress = lambda count: None
) -> None:
    """Upload a blob; the registry verifies the digest.

    A broken upload begins anew, within backoff.attempts, and as long as the registry may be away (backoff.patience).
    """
    backoff, started, attempt = registry.transport.backoff, time.monotonic(), 0
    while True:
        attempt += 1
        try:
            return _upload(registry, repository, blob, opener, progress)
        except RegistryError as error:
            is_last = attempt >= backoff.attempts and time.monotonic() - started >= backoff.patience
            asked = error.retry_after
            if error.reason not in UPLOADED_AGAIN or is_last or (asked or 0) > backoff.longest_pause:
                raise
        time.sleep(backoff.pause(attempt, asked))


def _fetch_rest(
    registry: Registry, repository: str, blob: Descriptor, part: Path, span: range, have: int, progress: Progress
) -> None:
    """Append what the registry sends of the rest of a span, in one try."""
    start, whole = span.start + have, len(span) == blob.size
    headers = {"Range": f"bytes={start}-{'' if whole else span.stop - 1}"} if start or not whole else {}
    response = registry.open(f"{repository}/blobs/{blob.digest}", repository, headers)
    try:
        if response.status not in (200, 206):
            raise of_status(registry.host, response.status, response.headers, response.read(_READ))
        if response.status == 200 and not whole:
            raise NoRanges(Reason.PROTOCOL, registry.host, f"{repository}: it sends no part of a blob")
        resumed = response.status == 206 and f"bytes {start}-" in response.headers.get("Content-Range", "")
        if response.status == 206 and not resumed:
            raise registry.error(Reason.PROTOCOL, f"{repository}: another range of the blob than asked for")
        have = have if resumed else 0
        with part.open("ab" if resumed else "wb") as file:
            for data in response.stream(_READ):
                have += len(data)
                if have > len(span):
                    part.unlink()
                    raise registry.error(Reason.DIGEST, f"{repository}: {blob.digest} is longer than {blob.size} bytes")
                file.write(data)
                progress(len(data))
    except (HTTPError, OSError) as error:
        raise registry.transport.failure(error) from error
    finally:
        response.close()
        response.release_conn()


def _upload(registry: Registry, repository: str, blob: Descriptor, opener: Opener, progress: Progress) -> None:
    answer = registry.call("POST", f"{repository}/blobs/uploads/", repository, push=True, expect={202})
    location = _location(registry, answer.headers.get("Location", ""))
    if blob.size > CHUNK:
        location = _send_chunks(registry, repository, blob, opener, location, progress)
        body: bytes | Opener = b""
        length = 0
    else:
        body, length = opener, blob.size
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(length)}
    url = f"{location}{'&' if '?' in location else '?'}{urlencode({'digest': blob.digest})}"
    registry.call("PUT", url, repository, headers, body, push=True, expect={201}, retry=False)
    progress(length)


def _send_chunks(
    registry: Registry, repository: str, blob: Descriptor, opener: Opener, location: str, progress: Progress
) -> str:
    with opener() as content:
        for start in range(0, blob.size, CHUNK):
            data = content.read(CHUNK)
            headers = {
                "Content-Type": "application/octet-stream",
                "Content-Range": f"{start}-{start + len(data) - 1}",
                "Content-Length": str(len(data)),
            }
            answer = registry.call(
                "PATCH", location, repository, headers, _opener(data), push=True, expect={202}, retry=False
            )
            location = _location(registry, answer.headers.get("Location", ""))
            progress(len(data))
    return location


def _opener(data: bytes) -> Callable[[], BinaryIO]:
    return lambda: io.BytesIO(data)


def _location(registry: Registry, location: str) -> str:
    if not location:
        raise registry.error(Reason.PROTOCOL, "it begins an upload without saying where to")
    url = urljoin(f"{registry.settings.url}/v2/", location)
    if not url.startswith(f"{registry.settings.url}/"):
        # The login must not go to a host that was not named as a registry.
        raise registry.error(Reason.PROTOCOL, f"it sends uploads to another host, {url.partition('?')[0]}")
    return url


def _cancel(registry: Registry, repository: str, location: str) -> None:
    """Give back the upload session that a refused mount opened; if that fails, the registry's own expiry does it."""
    try:
        url = _location(registry, location)
        registry.call("DELETE", url, repository, push=True, expect={202, 204, 404, 405}, retry=False)
    except RegistryError:
        pass


def _digest_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
