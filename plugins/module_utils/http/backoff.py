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


def jittered(attempt: int, first: float, longest: float, rng: random.Random | None = None) -> float:
    """Seconds to wait after failed try `attempt` (from 1): doubling from `first` up to `longest`, with jitter."""
    ceiling = min(longest, first * 2 ** (attempt - 1))
    return (rng or random).uniform(ceiling / 2, ceiling)


def parse_retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds from a Retry-After header (a number of seconds or an HTTP date); None when absent or unreadable."""
    text = (value or "").strip()
    if not text:
        return None
    if text.replace(".", "", 1).isascii() and text.replace(".", "", 1).isdigit():
        return float(text)
    when = parse_date(text)
    return max(0.0, (when - (now or datetime.now(UTC))).total_seconds()) if when else None


def parse_date(value: str | None) -> datetime | None:
    """An HTTP date; None when absent or unreadable."""
    try:
        when = parsedate_to_datetime(value or "")
    except (TypeError, ValueError):
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
