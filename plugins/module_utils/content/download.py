# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads into a cache that is addressed by checksum, so that nothing is fetched twice and nothing wrong is used."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

try:
    import urllib3
except ImportError:  # told when the pools are made
    urllib3 = None  # type: ignore[assignment]

from ..http.backoff import RETRIED_STATUS, jittered, parse_retry_after
from ..http.errors import HttpSetupError
from ..http.failures import describe
from ..http.pools import USER_AGENT, Pools
from ..http.tls import tls_context
from .checksum import sha256_of, verify
from .errors import ContentError

TRIES = 4
PATIENCE = 20.0  # seconds that a server may be away at least, whatever the number of tries
CONNECT_TIMEOUT = 10.0  # seconds
READ_TIMEOUT = 30.0  # seconds without a byte
FIRST_PAUSE, LONGEST_PAUSE = 1.5, 30.0  # seconds between tries; a server may ask for a longer one, up to the latter
REDIRECTS = 10
BLOCK = 1024 * 1024  # bytes


def cache_directory() -> Path:
    """Where downloads are kept: below XDG_CACHE_HOME, else ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "selfhosted-serverless" / "downloads"


def fetch(urls: list[str], sha256: str | None, cache: Path | None = None) -> Path:
    """The cached file with that checksum, downloaded from the first of `urls` that has it.

    Without a checksum the file is fetched and the error tells its value. Raises ContentError.
    """
    directory = cache or cache_directory()
    directory.mkdir(parents=True, exist_ok=True)
    if sha256 and (kept := _kept(directory, sha256)):
        return kept
    problems = []
    for url in urls:
        # What another address may have is not waited for here.
        patience = PATIENCE if url == urls[-1] else 0.0
        try:
            return _fetch_one(url, sha256, directory, patience)
        except ContentError as error:
            problems.append(str(error))
    raise ContentError("\n".join(problems))


def _fetch_one(url: str, sha256: str | None, directory: Path, patience: float) -> Path:
    """One address, by one process at a time: contexts and runs that want the same share what the first brings."""
    partial = directory / (hashlib.sha256(url.encode()).hexdigest()[:32] + ".part")
    with partial.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if sha256 and (kept := _kept(directory, sha256)):
            return kept
        try:
            _download(url, partial, patience)
            digest = verify(partial, sha256, url)
        except ContentError as error:
            if partial.exists() and not isinstance(error, _Interrupted):
                partial.unlink()
            raise
        return partial.replace(directory / digest)


def _kept(directory: Path, sha256: str) -> Path | None:
    file = directory / sha256.lower()
    return file if file.is_file() and sha256_of(file) == sha256.lower() else None


class _Interrupted(ContentError):
    """The transfer broke off; what came so far is worth keeping."""


class _Refused(Exception):
    """An answer other than 200 and 206."""

    def __init__(self, status: int, reason: str, retry_after: float | None) -> None:
        super().__init__(f"HTTP {status} {reason}".strip())
        self.status = status
        self.retry_after = retry_after


def _download(url: str, partial: Path, patience: float) -> None:
    """Bring `url` to `partial`, going on where an earlier try broke off."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise ContentError(f"{url}: only http and https are fetched; use path for a local file")
    try:
        pools = Pools(tls_context(), 1)
    except HttpSetupError as error:
        raise ContentError(f"{url}: {error}") from error
    started, attempt = time.monotonic(), 0
    while True:
        attempt += 1
        pause = jittered(attempt, FIRST_PAUSE, LONGEST_PAUSE)
        try:
            return _try(pools, url, partial)
        except HttpSetupError as error:
            raise ContentError(f"{url}: {error}") from error
        except _Refused as error:
            if error.status == 416 and partial.exists():  # nothing left to send, or another file by now: begin anew
                partial.unlink()
                continue
            if error.status not in RETRIED_STATUS:
                raise ContentError(f"{url}: {error}") from error
            problem = f"{url}: {error}"
            if error.retry_after is not None:
                pause = min(error.retry_after, LONGEST_PAUSE)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            failure = describe(error)
            problem = f"{url}: {failure.text}"
            if failure.kind.is_permanent:
                raise _Interrupted(problem) from error
        if attempt >= TRIES and time.monotonic() - started >= patience:
            raise _Interrupted(f"{problem} (tried {attempt} times)")
        time.sleep(pause)


def _try(pools: Pools, url: str, partial: Path) -> None:
    have = partial.stat().st_size if partial.exists() else 0
    answer = _follow(pools, url, {"Range": f"bytes={have}-"} if have else {})
    try:
        if answer.status not in (200, 206):
            raise _Refused(answer.status, answer.reason or "", parse_retry_after(answer.headers.get("Retry-After")))
        with partial.open("ab" if answer.status == 206 else "wb") as file:
            for block in answer.stream(BLOCK, decode_content=False):
                file.write(block)
    finally:
        answer.close()


def _follow(pools: Pools, url: str, headers: Mapping[str, str]) -> Any:
    """The answer behind all redirects; each address is reached through the proxy that is meant for it."""
    for _hop in range(REDIRECTS + 1):
        answer = pools.request(
            "GET",
            url,
            connect=CONNECT_TIMEOUT,
            read=READ_TIMEOUT,
            headers={"User-Agent": USER_AGENT, **headers},
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
