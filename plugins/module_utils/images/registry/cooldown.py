# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rate limits: until when a registry is left alone, and who waits for that."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from ...durations import elapsed
from ..errors import Reason, RegistryError
from ..policy.policy import RATE_LIMIT_WAIT
from .clock import SYSTEM, Clock

HINT = (
    "Rate limits end by themselves: run again after the time that is told; what has come is kept. "
    "serverless_rate_limit_wait says for how many seconds a run waits for them."
)


@dataclass
class Patience:
    """For how many seconds one request waits for rate limits altogether, beyond the longest pause of Backoff.

    Shared by clients; changed while they work: who has another mirror to ask does not wait for one. `limit` is what
    it becomes where there is no other.
    """

    seconds: float = 0.0
    limit: float = RATE_LIMIT_WAIT

    def begin(self) -> None:
        """Wait from now on."""
        self.seconds = self.limit


class Cooldown:
    """What a registry asked to be left alone, shared by all who ask it. Thread-safe."""

    def __init__(self, host: str, longest_pause: float, patience: Patience, clock: Clock = SYSTEM) -> None:
        self.patience = patience
        self._clock = clock
        self._host = host
        self._longest_pause = longest_pause
        self._lock = threading.Lock()
        self._until = 0.0

    def longest(self, waited: float) -> float:
        """Return the seconds that a request may be put off now, having been put off for `waited`."""
        return max(self._longest_pause, self.patience.seconds - waited)

    def ask(self, seconds: float) -> None:
        """Have everyone wait at least this long from now; what was asked before and lasts longer stays."""
        with self._lock:
            self._until = max(self._until, self._clock.monotonic() + seconds)

    def wait(self, waited: float) -> float:
        """Return when the registry may be asked again, with the seconds that it took.

        Raises RegistryError at once where that is too long for a request that has been put off for `waited`.
        """
        began = self._clock.monotonic()
        while (left := self._left()) > 0:
            if left > self.longest(waited):
                words = f"it limits requests; it ends in {elapsed(left)}, at {self._clock.after(left)}"
                raise RegistryError(Reason.RATE_LIMIT, self._host, words, left)
            self._clock.sleep(left)
        return self._clock.monotonic() - began

    def text(self) -> str:
        """Return in words until when the registry is left alone, '' if it is not, or for a moment only."""
        left = self._left()
        return f"waits until {self._clock.after(left)} for {self._host}, which asks for it" if left >= 1 else ""

    def _left(self) -> float:
        with self._lock:
            return self._until - self._clock.monotonic()
