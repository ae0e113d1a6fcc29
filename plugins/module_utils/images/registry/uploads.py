# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blobs into a registry: mounted, whole or in chunks, whichever way it takes; docs/registries.md has the table.

Source: OCI distribution specification, "Pushing blobs". What registries do otherwise: Google's takes no chunks (its
documentation of the Docker API), ghcr.io none above 4 MiB (ocx-sh/ocx#237), ECR none below 5 MiB but the last
(dotnet/sdk-container-builds#424), servers before a registry limit a request's size (nginx: 1 MiB).
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

from ..errors import Reason, RegistryError
from .client import TAKEN, Registry
from .failures import of_status
from .manifests import Descriptor
from .sessions import session_url
from .transport import Answer, Opener

# Blobs up to this go in one request; larger ones in chunks, so that a broken connection costs one chunk.
CHUNK = 32 * 1024 * 1024
SMALLER = (4 * 1024 * 1024, 512 * 1024)
WHOLE = 0

UPLOADED_AGAIN = frozenset({Reason.BROKEN, Reason.TIMEOUT, Reason.SERVER, Reason.REFUSED, Reason.RATE_LIMIT})
_FAILS = frozenset({Reason.BROKEN, Reason.TIMEOUT, Reason.SERVER})
_OTHERWISE = frozenset({400, 405, 406, 411, 413, 415, 416, 422, 501})
_GONE = frozenset({404, 409, 410})  # what an upload is that has ended, or that something else goes on with
_RANGE = re.compile(r"(?:bytes[= ])?0-([0-9]{1,18})(?:/.*)?$")
_NUMBER = re.compile(r"[0-9]{1,18}")
_LOST = 2  # sessions that may end by themselves before another way is tried

Progress = Callable[[int], None]  # called with the number of bytes that have just moved, negative if they were lost


class NotThisWay(RegistryError):
    """A registry does not take a blob in this way."""


class SessionLost(RegistryError):
    """A registry does not know an upload any more that it has begun."""


@dataclass(frozen=True)
class Mount:
    """Whether a registry has mounted a blob; if not, the upload that it has begun instead, '' for none."""

    done: bool
    session: str = ""


def mount_blob(registry: Registry, repository: str, digest: str, source: str) -> Mount:
    """Have a blob of another repository of the same registry in this one, which only saves time: it never fails.

    Registries refuse it with many words: Harbor 401 (harbor#17097), docker.io 401 without both scopes
    (rust-oci-client#235), GitLab 401 (manifest-tool#53), ECR 202 (containers-roadmap#2860).
    """
    query = urlencode({"mount": digest, "from": source})
    path = f"{repository}/blobs/uploads/"
    try:
        answer = registry.call("POST", f"{path}?{query}", repository, push=True, source=source, retry=False)
        if answer.status == 202:
            return Mount(False, session_url(registry, path, answer))
    except RegistryError:
        return Mount(False)
    return Mount(answer.status == 201)


def push_blob(
    registry: Registry,
    repository: str,
    blob: Descriptor,
    opener: Opener,
    progress: Progress = lambda count: None,
    session: str = "",
) -> None:
    """Upload a blob, at first in the upload `session` if there is one; the registry verifies the digest.

    A way that the registry refuses is followed by the next, and not tried again for others. A broken upload begins
    anew, within backoff.attempts, and as long as the registry may be away (backoff.patience); rate limits are waited
    for as the transport does.
    """
    run = _Upload(registry, repository, blob, opener, progress)
    backoff, attempt, waited, lost = registry.transport.backoff, 0, 0.0, 0
    started = backoff.clock.monotonic()
    ways, cooldown = ways_for(registry, blob.size), registry.transport.cooldown
    while True:
        attempt += 1
        try:
            return run.by(ways[0], session)
        except NotThisWay as error:
            registry.refused[ways[0]] = min(blob.size, registry.refused.get(ways[0], blob.size))
            if not ways[1:]:
                raise registry.error(error.reason, f"{repository}: it takes a blob in no way: {error.detail}") from None
            ways, lost, pause = ways[1:], 0, 0.0
        except SessionLost:
            lost += 1
            if lost > _LOST and not ways[1:]:
                raise
            ways, pause = ways[lost > _LOST :], backoff.pause(lost, None)
        except RegistryError as error:
            pause = backoff.pause(attempt, error.retry_after)
            is_last = attempt >= backoff.attempts and backoff.clock.monotonic() - started >= backoff.patience
            limited = error.reason == Reason.RATE_LIMIT and waited < cooldown.patience.seconds
            too_long = (error.retry_after or 0) > cooldown.longest(waited)
            # Some servers hang up on what is too large for them, and some proxies fail at PATCH.
            otherwise = error.reason in _FAILS and ways[1:] and run.has_begun
            if error.reason not in UPLOADED_AGAIN or too_long or (is_last and not limited and not otherwise):
                raise
            if otherwise and (is_last or (error.reason == Reason.BROKEN and (ways[0] != WHOLE or attempt > 1))):
                ways = ways[1:]
        backoff.clock.sleep(pause)
        waited, session = waited + pause, ""


def ways_for(registry: Registry, size: int) -> list[int]:
    """Return the ways to send a blob, best first: bytes in each request, or WHOLE. What was refused is left out."""
    smaller = [step for step in SMALLER if step < size] or [SMALLER[-1]]
    ways = [*([CHUNK, WHOLE] if size > CHUNK else [WHOLE]), *smaller]
    taken = [way for way in ways if way not in registry.refused or (way == WHOLE and size < registry.refused[way])]
    return taken or ways


class _Upload:
    """One blob on its way into one repository."""

    def __init__(
        self, registry: Registry, repository: str, blob: Descriptor, opener: Opener, progress: Progress
    ) -> None:
        self._registry = registry
        self._repository = repository
        self._blob = blob
        self._opener = opener
        self._progress = progress
        self._moved = 0
        self._resumed = False
        self.has_begun = False  # whether the registry took the last upload as such
        self._least = ""  # bytes of a chunk, as the registry wants

    def by(self, way: int, session: str) -> None:
        """Send the blob in one way. Raises NotThisWay, SessionLost and RegistryError."""
        self.has_begun = False
        try:
            session = session or self._begin()
            self.has_begun = True
            if way != WHOLE:
                session = self._send_chunks(session, way)
            self._end(session, self._opener if way == WHOLE else b"", self._blob.size if way == WHOLE else 0)
        except RegistryError:
            self._progress(-self._moved)
            self._moved, self._resumed = 0, False
            raise

    def _begin(self) -> str:
        path = f"{self._repository}/blobs/uploads/"
        answer = self._registry.call("POST", path, self._repository, push=True, expect=TAKEN)
        self._least = answer.headers.get("OCI-Chunk-Min-Length", "")
        return session_url(self._registry, path, answer)

    def _end(self, session: str, body: bytes | Opener, length: int) -> None:
        url = f"{session}{'&' if '?' in session else '?'}{urlencode({'digest': self._blob.digest})}"
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(length)}
        self._check(self._send("PUT", url, headers, body), is_chunk=False)
        self._told(length)

    def _send_chunks(self, session: str, step: int) -> str:
        step = max(step, int(self._least) if _NUMBER.fullmatch(self._least) else 0)
        offset, fruitless = 0, 0
        with self._opener() as content:
            while offset < self._blob.size:
                content.seek(offset)
                data = content.read(step)
                try:
                    session, now = self._send_chunk(session, offset, data)
                except (NotThisWay, SessionLost):
                    raise
                except RegistryError as error:
                    fruitless += 1
                    if error.reason not in UPLOADED_AGAIN or fruitless > self._registry.transport.backoff.attempts:
                        raise
                    backoff = self._registry.transport.backoff
                    backoff.clock.sleep(backoff.pause(fruitless, None))
                    session, now = self._where(session, offset, data, error)
                fruitless = 0 if now > offset else fruitless
                self._told(now - offset)
                offset = now
        return session

    def _send_chunk(self, session: str, offset: int, data: bytes) -> tuple[str, int]:
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Range": f"{offset}-{offset + len(data) - 1}",
            "Content-Length": str(len(data)),
        }
        answer = self._send("PATCH", session, headers, lambda: io.BytesIO(data))
        there = received(answer)
        if answer.status == 416 and there is not None and offset < there <= offset + len(data):
            return session_url(self._registry, session, answer, session), there
        self._check(answer, is_chunk=True)
        # Its Range is not asked: ECR's stays behind (containers-roadmap#2831), zot's did (regclient#961). The digest
        # tells in the end.
        return session_url(self._registry, session, answer, session), offset + len(data)

    def _where(self, session: str, offset: int, data: bytes, error: RegistryError) -> tuple[str, int]:
        """Return where a broken upload goes on; what does not fit to what was sent has it begin anew."""
        try:
            answer = self._registry.call("GET", session, self._repository, push=True, expect={200, 202, 204})
        except RegistryError:
            raise error from None
        there = received(answer)
        if there is None or not offset <= there <= offset + len(data):
            raise error
        self._resumed = True
        return session_url(self._registry, session, answer, session), there

    def _send(self, method: str, url: str, headers: dict[str, str], body: bytes | Opener) -> Answer:
        return self._registry.call(method, url, self._repository, headers, body, push=True, retry=False)

    def _check(self, answer: Answer, is_chunk: bool) -> None:
        if answer.status in TAKEN:  # ECR answers 201 to chunks (tart#273)
            return
        error = of_status(self._registry.host, answer.status, answer.headers, answer.body)
        # Quay says one byte too many when it is asked where to go on (its endpoints/v2/blob.py, fetch_existing_upload).
        refused = answer.status in _OTHERWISE or (answer.status == 403 and is_chunk)
        if refused and not self._resumed:
            raise NotThisWay(error.reason, error.registry, error.detail)
        if refused or answer.status in _GONE:
            raise SessionLost(error.reason, error.registry, error.detail)
        raise error

    def _told(self, count: int) -> None:
        self._moved += count
        self._progress(count)


def received(answer: Answer) -> int | None:
    """Return how many bytes of an upload a registry says to have, None where it does not say. "0-0" is none."""
    match = _RANGE.match(answer.headers.get("Range", "").strip())
    if not match:
        return None
    return int(match[1]) + 1 if int(match[1]) else 0
