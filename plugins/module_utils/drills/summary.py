# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exact figures of many latencies: no histogram, no sampling, every value counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from .shots import Shot


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that at least `percent` % of all values do not exceed (nearest rank); 0 < percent <= 100.

    Raises ValueError without values or for another percentage.
    """
    if not values or not 0 < percent <= 100:
        raise ValueError(f"no percentile {percent} of {len(values)} values")
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


@dataclass(frozen=True)
class Summary:
    """Counts of requests, and latencies in seconds of those that were answered well (None: there was none)."""

    requests: int
    failed: int
    p50: float | None
    p90: float | None
    p99: float | None
    longest: float | None

    @classmethod
    def of(cls, shots: Sequence[Shot]) -> Summary:
        """The figures of these requests."""
        good = sorted(shot.latency for shot in shots if shot.ok)
        p50, p90, p99, longest = (percentile(good, p) if good else None for p in (50, 90, 99, 100))
        return cls(len(shots), len(shots) - len(good), p50, p90, p99, longest)

    def as_json(self) -> dict[str, float | int | None]:
        """The same as plain values; seconds are rounded to a tenth of a millisecond."""
        return {key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(self).items()}


def errors_by_kind(shots: Sequence[Shot]) -> dict[str, int]:
    """How often each kind of failure occurred, the most frequent first."""
    counts: dict[str, int] = {}
    for shot in shots:
        if shot.error:
            counts[shot.error] = counts.get(shot.error, 0) + 1
    return dict(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))


def milliseconds(seconds: float | None) -> str:
    """Seconds for people: '12 ms', '1.24 s', '-' for none."""
    if seconds is None:
        return "-"
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
