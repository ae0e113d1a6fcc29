# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an API server serves, kept in a file for the tasks of one run.

Each task of Ansible is a process of its own, so that nothing in memory outlives it.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

LONGEST_AGE = 600.0  # seconds


class DiscoveryCache:
    """A file of mode 0600 in `directory`, for one server and identity; `key` holds no credential.

    Whatever is wrong with the file or the directory only means that nothing is kept.
    """

    def __init__(self, directory: str | Path, key: str) -> None:
        self._path = Path(directory, f"serverless-discovery-{key[:32]}.json")

    def load(self) -> list[dict[str, Any]] | None:
        """What was stored last, None when there is nothing, or it is not ours or too old."""
        try:
            with open(self._path, "rb") as file:
                status = os.fstat(file.fileno())
                if status.st_uid != os.getuid() or not 0 <= time.time() - status.st_mtime <= LONGEST_AGE:
                    return None
                entries = json.load(file)
        except (OSError, ValueError):
            return None
        return entries if isinstance(entries, list) else None

    def store(self, entries: list[dict[str, Any]]) -> None:
        """Replace the file in one step, so that a reader sees the old or the new one whole."""
        try:
            handle, name = tempfile.mkstemp(prefix=self._path.name, dir=self._path.parent)  # mode 0600
        except OSError:
            return
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(entries, file)
            os.replace(name, self._path)
        except OSError:
            Path(name).unlink(missing_ok=True)

    def drop(self) -> None:
        """Forget what was stored: it is known to be outdated."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError:
            return
