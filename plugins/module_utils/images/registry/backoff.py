# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often and how long a registry is asked again. Only what a second try can mend is tried again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ...http.backoff import jittered, parse_date, parse_retry_after
from .clock import SYSTEM, Clock

# Of the answers that are asked for again, what says that the registry has too much to do, whoever asks.
PAUSING_STATUS = frozenset({429, 503})
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class Backoff:
    """Limits of one client; all times in seconds.

    `attempts` counts tries of one request, or tries of one download that bring no further byte. A request is tried for
    `patience` at least, so that a registry may be away for a moment; one that has been away for as long is asked no
    more than `attempts` times. A pause that the registry asks for is kept if it is at most `longest_pause`; a longer
    one ends the request with the registry's word, unless it is waited for (cooldown.py). All is told by `clock`.
    """

    attempts: int = 5
    first_pause: float = 0.5
    longest_pause: float = 30.0
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    patience: float = 20.0
    clock: Clock = SYSTEM

    def pause(self, attempt: int, asked: float | None) -> float:
        """Return the pause after the given failed attempt, counted from 1: as asked, else doubling with jitter."""
        if asked is not None:
            return asked
        return jittered(attempt, self.first_pause, self.longest_pause)


class Outage:
    """Since when a registry gives nothing but failures that may pass. Thread-safe."""

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._since: float | None = None

    def end(self) -> None:
        """An answer came."""
        self._since = None

    def seconds(self) -> float:
        """How long it has lasted; it begins with the first call."""
        since = self._since
        if since is None:
            self._since = since = self._clock.monotonic()
        return self._clock.monotonic() - since


def retry_after(headers: Mapping[str, str], clock: Clock = SYSTEM) -> float | None:
    """Return the seconds that an answer asks to wait, None where it does not say.

    Retry-After (RFC 9110), else RateLimit-Reset or X-RateLimit-Reset: seconds in the IETF's draft, a Unix time at
    GitLab and others. Docker Hub tells no end, only its window (ratelimit-limit: 100;w=21600). A time of day is the
    registry's, so it is taken from the answer's own Date, where that stands.
    """
    now = parse_date(headers.get("Date")) or datetime.fromtimestamp(clock.now(), UTC)
    if headers.get("Retry-After"):
        return parse_retry_after(headers["Retry-After"], now)
    return parse_retry_after(headers.get("RateLimit-Reset") or headers.get("X-RateLimit-Reset"), now)


def limit_text(headers: Mapping[str, str]) -> str:
    """Return in words the limit that an answer names, '' without: "100 requests in 6 h"."""
    count, _semicolon, rest = (headers.get("RateLimit-Limit") or "").partition(";")
    window = rest.strip().removeprefix("w=")
    if not (_NUMBER.fullmatch(count.strip()) and _NUMBER.fullmatch(window)):
        return ""
    span = f"{int(window) / 3600:.3g} h" if int(window) >= 3600 else f"{window} s"
    return f"{count.strip()} requests in {span}"
