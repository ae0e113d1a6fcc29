# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From values to places on the paper, and the values that are worth a mark on an axis."""

from __future__ import annotations

import math
from dataclasses import dataclass

TIME_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)  # seconds
MOST_TICKS = 12


@dataclass(frozen=True)
class Linear:
    """Values from `low` to `high` between the pixels `start` and `end` (which may run backwards)."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)


@dataclass(frozen=True)
class Logarithmic:
    """The same for values above 0, by their logarithm."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        value = min(self.high, max(self.low, value))
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)


def time_ticks(seconds: float) -> list[int]:
    """Whole seconds from 0 on, at most MOST_TICKS of them, in steps that people count in."""
    step = next((step for step in TIME_STEPS if seconds / step < MOST_TICKS), math.ceil(seconds / MOST_TICKS))
    return list(range(0, math.floor(seconds) + 1, step))


def count_ticks(highest: float) -> list[float]:
    """Round values from 0 to at least `highest`, five steps at the most."""
    highest = max(1.0, highest)
    size = 10.0 ** math.floor(math.log10(highest / 5)) if highest > 5 else 1.0
    step = next(size * factor for factor in (1, 2, 5, 10) if highest / (size * factor) <= 5)
    return [step * number for number in range(math.ceil(highest / step) + 1)]


def decades(lowest: float, highest: float) -> list[float]:
    """Powers of ten around two values above 0; two at least."""
    first, last = math.floor(math.log10(lowest)), math.ceil(math.log10(highest))
    return [10.0**power for power in range(first, max(last, first + 1) + 1)]


def duration(seconds: float) -> str:
    """A mark of the latency axis: '10 ms', '1 s', '0.1 ms'."""
    return f"{seconds:g} s" if seconds >= 1 else f"{seconds * 1000:g} ms"
