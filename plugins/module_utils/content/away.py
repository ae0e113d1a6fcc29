# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that did not answer a moment ago: they are asked last, so that their silence is paid for once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

MINUTES = 10


class Away:
    """Marks beside the cache, so that all roles, contexts and runs of this user know. `tell` gets a line for each."""

    def __init__(self, directory: Path, tell: Callable[[str], None] = lambda line: None) -> None:
        self._directory = directory / ".away"
        self._tell = tell

    def knows(self, host: str, since: float = 0.0) -> bool:
        """Whether a host ('' for none) did not answer within the last minutes, and after the time `since`."""
        if not host:
            return False
        try:
            noted = self._mark(host).stat().st_mtime
        except OSError:
            return False
        return noted >= since and time.time() - noted < MINUTES * 60

    def knows_all(self, hosts: Sequence[str]) -> bool:
        """Whether there are hosts, and none of them answered."""
        return bool(hosts) and all(map(self.knows, hosts))

    def note(self, host: str, reason: str = "") -> None:
        """Remember that it does not answer; whoever is the first to find that out tells it."""
        self._directory.mkdir(parents=True, exist_ok=True)
        mark = self._mark(host)
        try:
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL, 0o600))
            is_news = True
        except FileExistsError:  # of another thread or run just now, or of long ago
            is_news = not self.knows(host)
            mark.touch()
        if is_news:
            self._tell(f"{host}: {reason or 'does not answer'}; for {MINUTES} minutes it is asked after all others")

    def forget(self, host: str) -> None:
        """It has answered."""
        if host:
            self._mark(host).unlink(missing_ok=True)

    def _mark(self, host: str) -> Path:
        return self._directory / host.replace("/", "_")
