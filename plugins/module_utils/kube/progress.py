# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells a person what a long task is doing, without flooding."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from time import monotonic

from ..durations import elapsed
from ..repeats import Repeats
from .parallel import SIGN_OF_LIFE

FRESH = 15.0  # seconds after which a retry no longer explains what is seen now


class Progress:
    """Passes on messages of progress at once, and messages about retries at most every 4 s. Thread-safe.

    The same again, or a retry for the same reason, is passed on every 30 s, with the time for which it has been so.

    A message of progress takes the newest retry along while it is fresh, so that "1 of 2 applied" says why not more.
    """

    def __init__(self, show: Callable[[str], None], label: str) -> None:
        self._show = show
        self._label = label
        self._lock = threading.Lock()
        self._retry = ""
        self._retried = -FRESH
        self._retry_told = -SIGN_OF_LIFE
        self._repeats, self._retries = Repeats(), Repeats()

    def tell(self, message: str) -> None:
        with self._lock:
            age = self._repeats.age((message, self._retry if self._is_retry_fresh() else ""))
            if age is not None:
                self._show(f"{self._label}: {message}{_so_long(age)}{self._last_retry()}")

    def retry(self, message: str, reason: Hashable) -> None:
        """Tell of a retry, at once when none was told for a while: a long pause may follow it."""
        with self._lock:
            now = monotonic()
            if now - self._retried >= FRESH:
                self._retries = Repeats()  # it went well for a while
            self._retry, self._retried = message, now
            if now - self._retry_told < SIGN_OF_LIFE:
                return
            age = self._retries.age(reason)
            if age is not None:
                self._retry_told = now
                self._show(f"{self._label}: {message}{_so_long(age)}")

    def _is_retry_fresh(self) -> bool:
        return bool(self._retry) and monotonic() - self._retried < FRESH

    def _last_retry(self) -> str:
        if not self._is_retry_fresh():
            return ""
        now = self._retry_told = monotonic()
        return f" ({now - self._retried:.0f} s ago: {self._retry})"


def _so_long(age: float) -> str:
    return f", for {elapsed(age)} now" if age else ""
