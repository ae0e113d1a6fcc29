# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Seconds as people read them, and times of objects."""

from __future__ import annotations

from datetime import UTC, datetime


def milliseconds(seconds: float) -> str:
    """'3.4 ms', '120 ms', '1.24 s'."""
    if seconds >= 1:
        return f"{seconds:.2f} s"
    thousandth = seconds * 1000
    return f"{thousandth:.1f} ms" if thousandth < 10 else f"{thousandth:.0f} ms"


def thousandths(seconds: float) -> float:
    """Milliseconds for a figure."""
    return round(seconds * 1000, 1)


def time_of(text: str) -> datetime:
    """A time of the API, RFC 3339 with Z. Raises ValueError."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def age_of(created: str, now: datetime | None = None) -> float:
    """Seconds since a time of the API; 0 for a text that is none."""
    try:
        return ((now or datetime.now(UTC)) - time_of(created)).total_seconds()
    except ValueError:
        return 0.0
