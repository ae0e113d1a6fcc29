# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is being fetched, told in lines at a steady pace, and in the end where it came from."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

from ..durations import elapsed
from ..repeats import Repeats

PERIOD = 5.0  # seconds between two lines


class Transfer:
    """One file on its way: `expected` and `moved` count bytes, 0 where nothing is known."""

    def __init__(self, name: str, source: str) -> None:
        self.name = name
        self.source = source
        self.expected = 0
        self.moved = 0

    def __str__(self) -> str:
        if not self.moved:
            return f"{self.name} from {self.source}"
        of = f" of {_size(self.expected)}" if self.expected else ""
        return f"{self.name}, {_size(self.moved)}{of}, from {self.source}"


def _size(count: int) -> str:
    """Return bytes for people, such that what has just begun is not told as nothing."""
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


class Transfers:
    """Tells what is under way every `period` seconds while it is entered, the same again every 30 s. Thread-safe."""

    def __init__(self, tell: Callable[[str], None] = lambda line: None, period: float = PERIOD) -> None:
        self.tell = tell
        self._period = period
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._teller: threading.Thread | None = None
        self._active: list[Transfer] = []
        self._came: dict[str, list[str]] = {}

    def begin(self, name: str, source: str) -> Transfer:
        """Put a file on the list of what is under way."""
        transfer = Transfer(name, source)
        with self._lock:
            self._active.append(transfer)
        return transfer

    def end(self, transfer: Transfer, came: bool = False) -> None:
        """Take it off again; `came` says whether it is here now."""
        with self._lock:
            self._active.remove(transfer)
            if came:
                self._came.setdefault(transfer.source, []).append(transfer.name)

    def __enter__(self) -> Transfers:
        self._over.clear()
        self._teller = threading.Thread(target=self._run, daemon=True)
        self._teller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._teller:
            self._teller.join()
        if self._came:
            parts = [f"{', '.join(names)} from {source}" for source, names in self._came.items()]
            self.tell(f"fetched {'; '.join(parts)}")
            self._came = {}

    def _run(self) -> None:
        repeats = Repeats()
        while not self._over.wait(self._period):
            with self._lock:
                line = "; ".join(map(str, self._active))
            age = repeats.age(line) if line else None
            if age is not None:
                self.tell(f"fetching {line}" + (f", nothing new for {elapsed(age)}" if age else ""))
