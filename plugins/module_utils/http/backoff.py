# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long to wait before another try. Pure rules, no clock and no socket of their own."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Timed out, too early, too many, and the server's or its proxy's own trouble (RFC 9110, RFC 6585).
RETRIED_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_UNIX_TIMES = 1e9  # no pause lasts for 30 years
_LONGEST = 1e9  # seconds; calendars end


def jittered(attempt: int, first: float, longest: float, rng: random.Random | None = None) -> float:
    """Seconds to wait after failed try `attempt` (from 1): doubling from `first` up to `longest`, with jitter."""
    ceiling = min(longest, first * 2 ** (attempt - 1))
    return (rng or random).uniform(ceiling / 2, ceiling)


def parse_retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds from a Retry-After header (a number of seconds or an HTTP date); None when absent or unreadable.

    A number that is a Unix time, in seconds or milliseconds, is taken as such: some servers write one there.
    """
    text = (value or "").strip()
    if not text:
        return None
    now = now or datetime.now(UTC)
    if text.replace(".", "", 1).isascii() and text.replace(".", "", 1).isdigit():
        seconds = float(text)
        if seconds > _UNIX_TIMES:
            seconds = seconds / (1000 if seconds > 1000 * _UNIX_TIMES else 1) - now.timestamp()
    elif when := parse_date(text):
        seconds = (when - now).total_seconds()
    else:
        return None
    return min(max(0.0, seconds), _LONGEST)


def parse_date(value: str | None) -> datetime | None:
    """An HTTP date; None when absent or unreadable."""
    try:
        when = parsedate_to_datetime(value or "")
    except (TypeError, ValueError, OverflowError):
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
