# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads over HTTP, which go on where they broke off, into a file that the caller verifies."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

try:
    import urllib3
except ImportError:  # told when the pools are made
    urllib3 = None  # type: ignore[assignment]

from ..durations import elapsed
from ..http.backoff import RETRIED_STATUS, jittered, parse_retry_after
from ..http.errors import HttpSetupError
from ..http.failures import FailureKind, describe
from ..http.pools import USER_AGENT, Pools
from ..http.redaction import conceal_text, redact, secrets_of
from ..http.tls import tls_context
from ..http.userinfo import basic, userinfo_of
from .checksum import verify
from .errors import ContentError
from .store import Store
from .transfers import Transfer

FIRST_PAUSE = 1.5  # seconds between tries
REDIRECTS = 10
LARGEST = 2 << 30  # bytes
BLOCK = 64 * 1024  # bytes; what a killed download may lose
WATCHED_FOR = 30.0  # seconds of a transfer before its speed is judged
_UNREACHABLE = frozenset({FailureKind.CONNECT_TIMEOUT, FailureKind.REFUSED, FailureKind.NAME_SERVER, FailureKind.PROXY})
# What a filter does between here and a server: whoever meets it meets it again
_SILENT = _UNREACHABLE | {FailureKind.READ_TIMEOUT}


@dataclass(frozen=True)
class Patience:
    """How long a server may be away: tries in a row without a byte, and seconds at least, whatever their number.

    `connect` is the limit for one connection (TLS included) and `silence` for the time without a byte, in seconds.
    A pause that the server asks for is kept up to `longest_pause` seconds; for a longer one it is given up where other
    sources follow. So it is when it sends fewer than `slowest` bytes a second.
    """

    tries: int
    seconds: float
    connect: float
    silence: float = 30.0
    longest_pause: float = 30.0
    slowest: float = 0.0

    @property
    def others_follow(self) -> bool:
        """Whether there is somebody else to ask."""
        return not self.seconds


ONLY_SOURCE = Patience(tries=4, seconds=20.0, connect=10.0)
# Where another source follows, a server that cannot be reached is not waited for.
OTHERS_FOLLOW = Patience(tries=2, seconds=0.0, connect=5.0, silence=10.0, longest_pause=3.0, slowest=2048.0)


class HttpRefusal(ContentError):
    """A server's answer other than the content; `status` is the HTTP status."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


class Unreachable(ContentError):
    """A server cannot be used now, whatever is asked for: no connection, no answer, or hardly a byte.

    `reason` is the text without the address that was asked for.
    """

    def __init__(self, text: str, reason: str = "") -> None:
        super().__init__(text)
        self.reason = reason


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
            digest = verify(partial, sha256, shown(url))
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
        return verify(partial, sha256, shown(url))
    except ContentError:
        partial.unlink()
        raise


class _Refused(Exception):
    """An answer other than 200 and 206."""

    def __init__(self, status: int, reason: str, retry_after: float | None) -> None:
        super().__init__(redact(f"HTTP {status} {reason}".strip()))
        self.status = status
        self.retry_after = retry_after


def download(url: str, partial: Path, patience: Patience, transfer: Transfer, largest: int = LARGEST) -> None:
    """Bring `url` to `partial`, going on where an earlier try broke off; at most `largest` bytes.

    What came so far stays when the transfer breaks off for good. Raises ContentError; HttpRefusal for a status. A login
    in the URL is sent to its host alone, and is in no message.
    """
    asked, url = url, shown(url)
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
        pause = jittered(attempt, FIRST_PAUSE, patience.longest_pause)
        try:
            return _try(pools, asked, partial, patience, transfer, largest)
        except HttpSetupError as error:
            raise ContentError(f"{url}: {error}") from None
        except _Refused as error:
            if error.status == 416 and partial.exists():  # nothing left to send, or another file by now: begin anew
                partial.unlink()
                had = -1
                continue
            if error.status not in RETRIED_STATUS:
                raise HttpRefusal(f"{url}: {error}", error.status) from None
            last: ContentError = HttpRefusal(f"{url}: {error}", error.status)
            if error.retry_after is not None:
                pause = min(error.retry_after, patience.longest_pause)
                if error.retry_after > pause and patience.others_follow:
                    reason = f"{error}, and asks to wait for {elapsed(error.retry_after)}"
                    raise Unreachable(f"{url}: {reason}", reason) from None
        except _TooSlow as error:
            raise Unreachable(f"{url}: {error}", str(error)) from error
        except _NoAnswer as error:
            failure = describe(error.cause)
            reason = conceal_text(failure.text, _secrets(pools, asked))
            last = Unreachable(f"{url}: {reason}", reason)
            if failure.kind.is_permanent:  # without the cause, whose words may repeat what was sent
                is_host = failure.kind == FailureKind.NAME
                raise last if is_host else ContentError(str(last)) from None
            if failure.kind in _SILENT and patience.others_follow:
                raise last from None
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            last = ContentError(f"{url}: {conceal_text(describe(error).text, _secrets(pools, asked))}")
        if attempt >= patience.tries and time.monotonic() - started >= patience.seconds:
            last.args = (f"{last} (tried {attempt} times)",)
            raise last from None
        time.sleep(pause)


def without_login(url: str) -> str:
    """The URL without user and password. Raises ContentError, which does not repeat it, for what is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ContentError("an address that content is to come from is no URL") from None
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def shown(url: str) -> str:
    """The URL for a message: without a login, and without its query, which may be a signature or hold a token."""
    address, query, _value = without_login(url).partition("?")
    return f"{address}?***" if query else address


def login_of(url: str) -> dict[str, str]:
    """The header for the user and password of a URL, {} where it has none."""
    user, password = userinfo_of(urlsplit(url))
    return {} if user is None else {"Authorization": basic(user, password)}


def _secrets(pools: Pools, url: str) -> list[str]:
    """What a server or a proxy may repeat and nobody is to see."""
    return [*secrets_of(login_of(url)), *pools.secrets(url)]


class _NoAnswer(Exception):
    """The connection or the wait for an answer failed, by `cause`."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


class _TooSlow(Exception):
    """Others may be faster."""


def _try(pools: Pools, asked: str, partial: Path, patience: Patience, transfer: Transfer, largest: int) -> None:
    have = partial.stat().st_size if partial.exists() else 0
    url = without_login(asked)
    try:
        answer = _follow(pools, url, {"Range": f"bytes={have}-"} if have else {}, login_of(asked), patience)
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise _NoAnswer(error) from error
    try:
        if answer.status not in (200, 206):
            reason = conceal_text(answer.reason or "", _secrets(pools, asked))
            raise _Refused(answer.status, reason, parse_retry_after(answer.headers.get("Retry-After")))
        have = have if answer.status == 206 else 0
        length = answer.headers.get("Content-Length", "")
        expected = have + int(length) if length.isdigit() else None
        _check_size(url, expected or 0, largest, partial)
        transfer.expected, transfer.moved = expected or 0, have
        with partial.open("ab" if have else "wb") as file:
            begin, had = time.monotonic(), have
            for block in _blocks(answer):
                file.write(block)
                have += len(block)
                transfer.moved = have
                _check_size(url, have, largest, partial)
                seconds = time.monotonic() - begin
                if seconds > WATCHED_FOR and (have - had) / seconds < patience.slowest:
                    raise _TooSlow(f"only {have - had} bytes in {elapsed(seconds)}")
        if expected is not None and have != expected:
            raise OSError(f"the server sent {have} of {expected} bytes")
    finally:
        answer.close()


def _check_size(url: str, size: int, largest: int, partial: Path) -> None:
    if size > largest:
        partial.unlink(missing_ok=True)
        raise ContentError(f"{shown(url)}: more than {largest} bytes, which is the limit for it")


def _blocks(answer: Any) -> Iterator[bytes]:
    """What comes, as it comes: a slow server's bytes are not waited for until they fill a block."""
    while block := answer.read1(BLOCK, decode_content=False):
        yield block


def _follow(pools: Pools, url: str, headers: Mapping[str, str], login: Mapping[str, str], patience: Patience) -> Any:
    """The answer behind all redirects; each address is reached through the proxy that is meant for it.

    The login goes to the first host alone.
    """
    origin = urlsplit(url)[:2]
    for _hop in range(REDIRECTS + 1):
        answer = pools.request(
            "GET",
            url,
            connect=patience.connect,
            read=patience.silence,
            headers={"User-Agent": USER_AGENT, **headers, **(login if urlsplit(url)[:2] == origin else {})},
            preload_content=False,
        )
        location = answer.headers.get("Location")
        if answer.status not in (301, 302, 303, 307, 308) or not location:
            return answer
        answer.close()
        target = urljoin(url, location)
        if urlsplit(target).scheme not in ("http", "https"):
            raise ContentError(f"{shown(url)}: is redirected to {shown(target)}, which is no web address")
        url = target
    raise ContentError(f"more than {REDIRECTS} redirects, the last to {shown(url)}")
