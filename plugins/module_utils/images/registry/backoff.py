# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often and how long a registry is asked again. Only what a second try can mend is tried again."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from ...http.backoff import jittered, parse_retry_after

# Of the answers that are asked for again, what says that the registry has too much to do, whoever asks.
PAUSING_STATUS = frozenset({429, 503})


@dataclass(frozen=True)
class Backoff:
    """Limits of one client; all times in seconds.

    `attempts` counts tries of one request, or tries of one download that bring no further byte. A request is tried for
    `patience` at least, so that a registry may be away for a moment; one that has been away for as long is asked no
    more than `attempts` times. A pause that the registry asks for is kept if it is at most `longest_pause`; a longer
    one ends the request with the registry's word.
    """

    attempts: int = 5
    first_pause: float = 0.5
    longest_pause: float = 30.0
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    patience: float = 20.0

    def pause(self, attempt: int, asked: float | None) -> float:
        """Return the pause after the given failed attempt, counted from 1: as asked, else doubling with jitter."""
        if asked is not None:
            return asked
        return jittered(attempt, self.first_pause, self.longest_pause)


class Cooldown:
    """What a registry asked to be left alone, shared by all who ask it. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until = 0.0

    def ask(self, seconds: float) -> None:
        """Have everyone wait at least this long from now; what was asked before and lasts longer stays."""
        with self._lock:
            self._until = max(self._until, time.monotonic() + seconds)

    def wait(self) -> None:
        """Return when the registry may be asked again."""
        while (left := self._left()) > 0:
            time.sleep(left)

    def _left(self) -> float:
        with self._lock:
            return self._until - time.monotonic()


class Outage:
    """Since when a registry gives nothing but failures that may pass. Thread-safe."""

    def __init__(self) -> None:
        self._since: float | None = None

    def end(self) -> None:
        """An answer came."""
        self._since = None

    def seconds(self) -> float:
        """How long it has lasted; it begins with the first call."""
        since = self._since
        if since is None:
            self._since = since = time.monotonic()
        return time.monotonic() - since


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that an answer asks to wait: Retry-After (RFC 9110), else X-RateLimit-Reset, a Unix time."""
    if headers.get("Retry-After"):
        return parse_retry_after(headers["Retry-After"])
    reset = (headers.get("X-RateLimit-Reset") or "").strip()
    return max(0.0, float(reset) - time.time()) if reset.isdigit() else None
