# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads into a cache that is addressed by checksum, so that nothing is fetched twice and nothing wrong is used."""

from __future__ import annotations

import hashlib
import os
import shutil
import time
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path
from urllib.parse import urlsplit

from .checksum import sha256_of, verify
from .errors import ContentError

TRIES = 4
READ_TIMEOUT = 30.0  # seconds without a byte
PAUSES = (1.0, 2.0, 4.0)  # seconds between tries
WORTH_RETRYING = frozenset({408, 429, 500, 502, 503, 504})


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
    if sha256:
        kept = directory / sha256.lower()
        if kept.is_file() and sha256_of(kept) == sha256.lower():
            return kept
    problems = []
    for url in urls:
        partial = directory / (hashlib.sha256(url.encode()).hexdigest()[:32] + ".part")
        try:
            _download(url, partial)
            digest = verify(partial, sha256, url)
        except ContentError as error:
            problems.append(str(error))
            if partial.exists() and not _is_interrupted(error):
                partial.unlink()
            continue
        final = directory / digest
        partial.replace(final)
        return final
    raise ContentError("\n".join(problems))


class _Interrupted(ContentError):
    """The transfer broke off; what came so far is worth keeping."""


def _is_interrupted(error: ContentError) -> bool:
    return isinstance(error, _Interrupted)


def _download(url: str, partial: Path) -> None:
    """Bring `url` to `partial`, going on where an earlier try broke off."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise ContentError(f"{url}: only http and https are fetched; use path for a local file")
    for attempt in range(TRIES):
        try:
            return _try(url, partial)
        except urllib.error.HTTPError as error:
            if error.code == 416 and partial.exists():  # nothing left to send, or another file by now: begin anew
                partial.unlink()
                continue
            if error.code not in WORTH_RETRYING:
                raise ContentError(f"{url}: HTTP {error.code} {error.reason}") from error
            problem = f"{url}: HTTP {error.code} {error.reason}"
        except (OSError, ValueError) as error:
            problem = f"{url}: {getattr(error, 'reason', None) or error}"
        if attempt + 1 < TRIES:
            time.sleep(PAUSES[attempt])
    raise _Interrupted(f"{problem} (tried {TRIES} times)")


def _try(url: str, partial: Path) -> None:
    have = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "selfhosted.serverless"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    # The opener takes the proxies of the environment and verifies certificates, and needs no Ansible.
    with urllib.request.build_opener().open(request, timeout=READ_TIMEOUT) as answer:
        resumed = answer.status == 206
        expected = _length(answer.headers)
        with partial.open("ab" if resumed else "wb") as file:
            start = file.tell()
            shutil.copyfileobj(answer, file)
            received = file.tell() - start
    if expected is not None and received < expected:
        raise OSError(f"the transfer broke off after {received} of {expected} bytes")


def _length(headers: Message) -> int | None:
    value = headers.get("Content-Length")
    return int(value) if value and value.isdigit() else None
