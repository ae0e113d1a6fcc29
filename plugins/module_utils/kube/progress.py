# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells a person what a long task is doing, without flooding."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from .parallel import SIGN_OF_LIFE


class Progress:
    """Passes on messages of progress at once, and messages about retries at most every 4 s. Thread-safe."""

    def __init__(self, show: Callable[[str], None], label: str) -> None:
        self._show = show
        self._label = label
        self._lock = threading.Lock()
        self._last = time.monotonic()

    def tell(self, message: str) -> None:
        with self._lock:
            self._last = time.monotonic()
            self._show(f"{self._label}: {message}")

    def retry(self, message: str) -> None:
        """A retry is news only when nothing else was told for a while."""
        with self._lock:
            if time.monotonic() - self._last < SIGN_OF_LIFE:
                return
            self._last = time.monotonic()
            self._show(f"{self._label}: {message}")
