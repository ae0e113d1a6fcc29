# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run does, noted while it does it: one file of JSON lines for each host of the inventory.

Each task of Ansible is a process of its own, so that nothing in memory outlives it. The files lie in Ansible's folder
of the run, which nobody else may read and which goes with the run. The first line is of the first play (PLAY), and each
further play has one. Each action adds one when it begins (BEGIN) and one when it ends (END), so that what was
killed is seen to have begun. `at` is the monotonic clock in seconds, the same for all processes of a machine.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PLAY, BEGIN, END = "play", "begin", "end"
Record = dict[str, Any]
_PREFIX, _SUFFIX = "serverless-journal-", ".jsonl"


class Journal:
    """The journal of one host, of mode 0600 in `directory`. That it cannot be written stops nothing."""

    def __init__(self, directory: str | Path, host: str) -> None:
        self._path = Path(directory, f"{_PREFIX}{_checksum(host)}{_SUFFIX}")

    def is_new(self, play: str) -> bool:
        """Return whether this was not asked before in this run, of this play on this host."""
        mark = self._path.with_suffix(f".{_checksum(play)}")
        try:
            os.close(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        except OSError:  # above all, it exists
            return False
        return True

    def append(self, *records: Mapping[str, Any]) -> None:
        """Add records in one write, so that a reader, and a run that is killed, have whole lines of them."""
        lines = (json.dumps(record, default=str, separators=(",", ":")) + "\n" for record in records)
        data = "".join(lines).encode()
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(handle, data)
            finally:
                os.close(handle)
        except OSError:
            return

    def read(self) -> list[Record]:
        """Return the records so far."""
        return _records(self._path)


def read_journals(directory: str | Path) -> list[list[Record]]:
    """Return the journals of all hosts of a run, each with a line of a play first, by the names of the hosts."""
    found = [_records(path) for path in Path(directory).glob(f"{_PREFIX}*{_SUFFIX}")]
    whole = [records for records in found if records and records[0]["event"] == PLAY]
    return sorted(whole, key=lambda records: str(records[0]["host"]))


def _checksum(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _records(path: Path) -> list[Record]:
    """Return the records of a file; a line that is torn or none of ours is left out."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return []
    return [record for line in lines if (record := _record(line)) is not None]


def _record(line: bytes) -> Record | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    is_ours = isinstance(record, dict) and "event" in record and isinstance(record.get("at"), int | float)
    return record if is_ours else None
