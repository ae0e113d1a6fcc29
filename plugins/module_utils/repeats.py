# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps progress from saying the same again and again while nothing moves."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from time import monotonic

REPEAT_AFTER = 30.0  # seconds


class Repeats:
    """Knows what was told last. Not thread-safe."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._last: Hashable = None
        self._since = self._told = 0.0

    def age(self, what: Hashable) -> float | None:
        """Return for how many seconds this has been so, 0 where it is new; None where it need not be told again yet."""
        now = self._clock()
        if what != self._last:
            self._last, self._since, self._told = what, now, now
            return 0.0
        if now - self._told < REPEAT_AFTER:
            return None
        self._told = now
        return now - self._since
