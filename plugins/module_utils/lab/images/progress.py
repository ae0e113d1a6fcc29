# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress of long steps as lines of text: n of m, and a sign of life every half minute."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ...durations import elapsed
from ..report import Report

_SIGN_OF_LIFE_SECONDS = 30.0


class Progress:
    """Numbers steps and reports their ends; may be used by several threads."""

    def __init__(self, report: Report, total: int) -> None:
        self._report = report
        self._total = total
        self._done = 0
        self._lock = threading.Lock()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Report the step while it runs and when it has ended without an error."""
        start = time.monotonic()
        ended = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(title, start, ended), daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()
        with self._lock:
            self._done += 1
            self._report(f"{self._done}/{self._total} {title} ({elapsed(time.monotonic() - start)})")

    def _watch(self, title: str, start: float, ended: threading.Event) -> None:
        while not ended.wait(_SIGN_OF_LIFE_SECONDS):
            self._report(f"still making {title} ({elapsed(time.monotonic() - start)})")
