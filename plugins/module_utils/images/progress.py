# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress of a copy, told in lines at a steady pace."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType

from ..durations import elapsed
from ..repeats import Repeats

PERIOD = 5.0  # seconds between two lines


class Progress:
    """Counts images and bytes, and tells them every `period` seconds while it is entered. Thread-safe."""

    def __init__(
        self,
        report: Callable[[str], None],
        images: int,
        period: float = PERIOD,
        under_way: Callable[[], str] = lambda: "",
    ) -> None:
        """`under_way` says in words what is being done, for the end of each line."""
        self._report = report
        self._under_way = under_way
        self._period = period
        self._images = images
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._teller = threading.Thread(target=self._tell, daemon=True)
        self._start = time.monotonic()
        self.images = 0
        self.bytes = 0
        self.expected = 0

    def expect(self, count: int) -> None:
        """Add bytes to what is to be moved."""
        with self._lock:
            self.expected += count

    def moved(self, count: int) -> None:
        """Add bytes to what has moved."""
        with self._lock:
            self.bytes += count

    def image_done(self) -> None:
        """Add an image that is complete."""
        with self._lock:
            self.images += 1

    def __enter__(self) -> Progress:
        self._start = time.monotonic()
        self._teller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._teller.join()

    def _tell(self) -> None:
        repeats = Repeats()
        while not self._over.wait(self._period):
            seconds, under_way = time.monotonic() - self._start, self._under_way()
            age = repeats.age((self.images, self.bytes, self.expected, under_way))
            if age is None:
                continue
            line = progress_text(self.images, self._images, self.bytes, self.expected, seconds)
            still = f"nothing came for {elapsed(age)}" if age else ""
            self._report("; ".join(filter(None, [line, under_way, still])))


def progress_text(images: int, of_images: int, moved: int, expected: int, seconds: float) -> str:
    """Return a line such as '12/40 images, 310.2 of 802.5 MB, 24.1 MB/s, 21 s left'; rates are over the whole time."""
    rate = moved / seconds if seconds else 0.0
    line = f"{images}/{of_images} images, {moved / 1e6:.1f} of {expected / 1e6:.1f} MB, {rate / 1e6:.1f} MB/s"
    return f"{line}, {elapsed((expected - moved) / rate)} left" if rate and expected > moved else line
