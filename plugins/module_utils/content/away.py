# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that could not be reached a moment ago: they are asked last, so that their silence is paid for once."""

from __future__ import annotations

import time
from pathlib import Path

MINUTES = 10


class Away:
    """Marks beside the cache, so that all roles, contexts and runs of this user know."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / ".away"

    def knows(self, host: str) -> bool:
        """Whether a host ('' for none) was away within the last minutes."""
        try:
            return bool(host) and time.time() - self._mark(host).stat().st_mtime < MINUTES * 60
        except OSError:
            return False

    def note(self, host: str) -> None:
        """Remember that it is away."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._mark(host).touch()

    def forget(self, host: str) -> None:
        """It has answered."""
        if host:
            self._mark(host).unlink(missing_ok=True)

    def _mark(self, host: str) -> Path:
        return self._directory / host.replace("/", "_")
