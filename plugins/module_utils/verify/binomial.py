# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a count may be from its share by chance alone: the binomial distribution, exactly."""

from __future__ import annotations

import math

# Both tails together: of 10 000 verifications of a right split, one is told as wrong.
FALSE_ALARMS = 1e-4


def bounds(trials: int, share: float, error: float = FALSE_ALARMS) -> tuple[int, int]:
    """The least and the greatest count that are still likely among `trials` where each has the chance `share` (0 to 1).

    Outside lie at most `error`/2 to either side (Clopper and Pearson, Biometrika 26, 1934, read the other way round).
    Raises ValueError for values that make no sense.
    """
    if trials < 1 or not 0 <= share <= 1 or not 0 < error < 1:
        raise ValueError(f"no bounds for {trials} trials with a chance of {share} and an error of {error}")
    if share in (0.0, 1.0):
        return round(trials * share), round(trials * share)
    chances = [_chance(trials, count, share) for count in range(trials + 1)]
    return _first_likely(chances, error / 2), trials - _first_likely(chances[::-1], error / 2)


def _first_likely(chances: list[float], tail: float) -> int:
    """How many entries can be left out at the begin before they come to more than `tail`."""
    total = 0.0
    for count, chance in enumerate(chances):
        total += chance
        if total > tail:
            return count
    return len(chances) - 1


def _chance(trials: int, count: int, share: float) -> float:
    ways = math.lgamma(trials + 1) - math.lgamma(count + 1) - math.lgamma(trials - count + 1)
    return math.exp(ways + count * math.log(share) + (trials - count) * math.log1p(-share))
