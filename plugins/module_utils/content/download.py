# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads over HTTP, which go on where they broke off, into a file that the caller verifies."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

try:
    import urllib3
except ImportError:  # told when the pools are made
    urllib3 = None  # type: ignore[assignment]

from ..http.backoff import RETRIED_STATUS, jittered, parse_retry_after
from ..http.errors import HttpSetupError
from ..http.failures import FailureKind, describe
from ..http.pools import USER_AGENT, Pools
from ..http.tls import tls_context
from .checksum import verify
from .errors import ContentError
from .store import Store
from .transfers import Transfer

READ_TIMEOUT = 30.0  # seconds without a byte
FIRST_PAUSE, LONGEST_PAUSE = 1.5, 30.0  # seconds between tries; a server may ask for a longer one, up to the latter
REDIRECTS = 10
LARGEST = 2 << 30  # bytes
BLOCK = 64 * 1024  # bytes; what a killed download may lose
_UNREACHABLE = frozenset({FailureKind.CONNECT_TIMEOUT, FailureKind.REFUSED, FailureKind.NAME_SERVER, FailureKind.PROXY})


@dataclass(frozen=True)
class Patience:
    """How long a server may be away: tries in a row without a byte, and seconds at least, whatever their number.

    `connect` is the limit for one connection, in seconds.
    """

    tries: int
    seconds: float
    connect: float


ONLY_SOURCE = Patience(tries=4, seconds=20.0, connect=10.0)
# Where another source follows, a server that cannot be reached is not waited for.
OTHERS_FOLLOW = Patience(tries=2, seconds=0.0, connect=5.0)


class HttpRefusal(ContentError):
    """A server's answer other than the content; `status` is the HTTP status."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


class Unreachable(ContentError):
    """No connection to a server came about."""


def fetch(url: str, sha256: str | None, store: Store, patience: Patience, transfer: Transfer) -> Path:
    """The file of one address in the store, verified; without a checksum the error tells its value.

    Contexts and runs that want the same share what the first brings. Raises ContentError.
    """
    key = hashlib.sha256(f"{url} {sha256}".encode()).hexdigest()[:32]
    with store.alone(sha256.lower() if sha256 else key):
        if sha256 and (kept := store.kept(sha256)):
            return kept
        partial = store.directory / f"{key}.part"
        continued = partial.exists()
        download(url, partial, patience, transfer)
        try:
            digest = verify(partial, sha256, without_login(url))
        except ContentError:
            partial.unlink()
            if not continued or not sha256:
                raise
            # What an earlier run left may be the begin of another file.
            download(url, partial, patience, transfer)
            digest = _verified_or_removed(partial, sha256, url)
        return store.keep(partial, digest)


def _verified_or_removed(partial: Path, sha256: str, url: str) -> str:
    try:
        return verify(partial, sha256, without_login(url))
    except ContentError:
        partial.unlink()
        raise


class _Refused(Exception):
    """An answer other than 200 and 206."""

    def __init__(self, status: int, reason: str, retry_after: float | None) -> None:
        super().__init__(f"HTTP {status} {reason}".strip())
        self.status = status
        self.retry_after = retry_after


def download(url: str, partial: Path, patience: Patience, transfer: Transfer, largest: int = LARGEST) -> None:
    """Bring `url` to `partial`, going on where an earlier try broke off; at most `largest` bytes.

    What came so far stays when the transfer breaks off for good. Raises ContentError; HttpRefusal for a status. A login
    in the URL is sent to its host alone, and is in no message.
    """
    asked, url = url, without_login(url)
    if urlsplit(url).scheme not in ("http", "https"):
        raise ContentError(f"{url}: only http and https are fetched; use path for a local file")
    try:
        pools = Pools(tls_context(), 1)
    except HttpSetupError as error:
        raise ContentError(f"{url}: {error}") from error
    started, attempt, had = time.monotonic(), 0, -1
    while True:
        have = partial.stat().st_size if partial.exists() else 0
        attempt = 1 if have > had else attempt + 1
        had = have
        pause = jittered(attempt, FIRST_PAUSE, LONGEST_PAUSE)
        try:
            return _try(pools, asked, partial, patience.connect, transfer, largest)
        except HttpSetupError as error:
            raise ContentError(f"{url}: {error}") from error
        except _Refused as error:
            if error.status == 416 and partial.exists():  # nothing left to send, or another file by now: begin anew
                partial.unlink()
                had = -1
                continue
            if error.status not in RETRIED_STATUS:
                raise HttpRefusal(f"{url}: {error}", error.status) from error
            last: ContentError = HttpRefusal(f"{url}: {error}", error.status)
            if error.retry_after is not None:
                pause = min(error.retry_after, LONGEST_PAUSE)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            failure = describe(error)
            kind = Unreachable if failure.kind in _UNREACHABLE | {FailureKind.NAME} else ContentError
            last = kind(f"{url}: {failure.text}")
            hopeless = failure.kind in _UNREACHABLE and not patience.seconds
            if failure.kind.is_permanent or hopeless:
                raise last from error
        if attempt >= patience.tries and time.monotonic() - started >= patience.seconds:
            last.args = (f"{last} (tried {attempt} times)",)
            raise last
        time.sleep(pause)


def without_login(url: str) -> str:
    """The URL without user and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _login(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    if parts.username is None:
        return {}
    return urllib3.make_headers(basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}")


def _try(pools: Pools, asked: str, partial: Path, connect: float, transfer: Transfer, largest: int) -> None:
    have = partial.stat().st_size if partial.exists() else 0
    url = without_login(asked)
    answer = _follow(pools, url, {"Range": f"bytes={have}-"} if have else {}, _login(asked), connect)
    try:
        if answer.status not in (200, 206):
            raise _Refused(answer.status, answer.reason or "", parse_retry_after(answer.headers.get("Retry-After")))
        have = have if answer.status == 206 else 0
        length = answer.headers.get("Content-Length", "")
        expected = have + int(length) if length.isdigit() else None
        _check_size(url, expected or 0, largest, partial)
        transfer.expected, transfer.moved = expected or 0, have
        with partial.open("ab" if have else "wb") as file:
            for block in answer.stream(BLOCK, decode_content=False):
                file.write(block)
                have += len(block)
                transfer.moved = have
                _check_size(url, have, largest, partial)
        if expected is not None and have != expected:
            raise OSError(f"the server sent {have} of {expected} bytes")
    finally:
        answer.close()


def _check_size(url: str, size: int, largest: int, partial: Path) -> None:
    if size > largest:
        partial.unlink(missing_ok=True)
        raise ContentError(f"{url}: more than {largest} bytes, which is the limit for it")


def _follow(pools: Pools, url: str, headers: Mapping[str, str], login: Mapping[str, str], connect: float) -> Any:
    """The answer behind all redirects; each address is reached through the proxy that is meant for it.

    The login goes to the first host alone.
    """
    origin = urlsplit(url)[:2]
    for _hop in range(REDIRECTS + 1):
        answer = pools.request(
            "GET",
            url,
            connect=connect,
            read=READ_TIMEOUT,
            headers={"User-Agent": USER_AGENT, **headers, **(login if urlsplit(url)[:2] == origin else {})},
            preload_content=False,
        )
        location = answer.headers.get("Location")
        if answer.status not in (301, 302, 303, 307, 308) or not location:
            return answer
        answer.close()
        target = urljoin(url, location)
        if urlsplit(target).scheme not in ("http", "https"):
            raise ContentError(f"{url}: is redirected to {target.partition('?')[0]}, which is no web address")
        url = target
    raise ContentError(f"more than {REDIRECTS} redirects, the last to {url.partition('?')[0]}")
