# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blobs of a registry: ask, and fetch with resume. Every byte is verified by digest; uploads.py sends them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

try:
    from urllib3.exceptions import HTTPError
except ImportError:
    HTTPError = OSError  # type: ignore[assignment,misc]

from ..errors import Reason, RegistryError
from .client import Registry
from .manifests import Descriptor

_NO_RANGE = 416
_READ = 64 * 1024  # what a killed download may lose, for each stream

Progress = Callable[[int], None]  # called with the number of bytes that have just moved


class NoRanges(RegistryError):
    """A registry sends a whole blob where a part of it was asked for."""


def has_blob(registry: Registry, repository: str, digest: str) -> bool:
    """Return whether a repository has a blob; False as well where it does not let itself be asked.

    HEAD may be sent on to a storage whose address is signed for GET alone (artifact-keeper#3209, moby#50065), or not
    be known: one byte by GET tells then.
    """
    path = f"{repository}/blobs/{digest}"
    answer = registry.head(path, repository)
    if answer is not None and answer.status in (200, 404):
        return answer.status == 200
    try:
        response = registry.open(path, repository, {"Range": "bytes=0-0"})
    except RegistryError as error:
        if error.reason in (Reason.NOT_FOUND, Reason.FORBIDDEN, Reason.PROTOCOL):
            return False
        raise
    response.close()  # the rest is not read: some send all of it
    response.release_conn()
    return True


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
            backoff.clock.sleep(backoff.pause(fruitless + 1, None))


def _fetch_rest(
    registry: Registry, repository: str, blob: Descriptor, part: Path, span: range, have: int, progress: Progress
) -> None:
    """Append what the registry sends of the rest of a span, in one try."""
    start, whole = span.start + have, len(span) == blob.size
    headers = {"Range": f"bytes={start}-{'' if whole else span.stop - 1}"} if start or not whole else {}
    try:
        response = registry.open(f"{repository}/blobs/{blob.digest}", repository, headers)
    except RegistryError as error:
        if error.status != _NO_RANGE or not headers:
            raise
        return _without_range(registry, repository, part, whole)
    try:
        if response.status == 200 and not whole:
            return _without_range(registry, repository, part, whole)
        resumed = response.status == 206 and f"bytes {start}-" in response.headers.get("Content-Range", "")
        if response.status == 206 and not resumed:
            if headers:
                return _without_range(registry, repository, part, whole)
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
        raise registry.transport.failure(error) from None
    finally:
        response.close()
        response.release_conn()


def _without_range(registry: Registry, repository: str, part: Path, whole: bool) -> None:
    """Begin a blob anew that a registry does not continue. Raises NoRanges where a part of it was wanted."""
    if not whole:
        raise NoRanges(Reason.PROTOCOL, registry.host, f"{repository}: it sends no part of a blob")
    part.unlink()
    part.touch()


def _digest_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
