"""A clock whose hours pass at once."""

from __future__ import annotations

import threading
import time

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.clock import Clock


class QuickClock:
    """Sleeping moves the time to where the sleep ends; who sleeps at the same time does so together.

    `passed` are the seconds since its begin; `clock` is what the library takes.
    """

    def __init__(self) -> None:
        self.passed = 0.0
        self._lock = threading.Lock()
        self._begin = time.time()
        self.clock = Clock(lambda: self.passed, lambda: self._begin + self.passed, self._sleep)

    def _sleep(self, seconds: float) -> None:
        with self._lock:
            end = self.passed + seconds
        time.sleep(0.2 if seconds > 60 else 0.001)  # so that others come to their sleep, and progress is told
        with self._lock:
            self.passed = max(self.passed, end)
