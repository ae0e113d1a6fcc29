# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps processes apart that would write into one image layout at the same time."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import LayoutError

_FILE = ".lock"
_POLL = 0.1  # seconds; flock(2) itself waits without an end or not at all


@contextmanager
def locked(directory: Path, report: Callable[[str], None], timeout: float) -> Iterator[None]:
    """Hold a layout for this process, after at most `timeout` seconds, told to `report`.

    The system gives it free when the holder ends, however it ends. The file stays: it holds the pid of the last
    holder, and one that is removed would let two processes lock two files. Raises LayoutError, naming the holder.
    """
    with (directory / _FILE).open("a+", encoding="ascii") as file:
        if not _taken(file.fileno()):
            report(f"{directory} is in use by process {_holder(directory)}; waiting up to {timeout:.0f} s for it")
            end = time.monotonic() + timeout
            while not _taken(file.fileno()):
                if time.monotonic() >= end:
                    raise LayoutError(
                        f"{directory} is in use by process {_holder(directory)} for more than {timeout:.0f} s;"
                        " wait until it is done, or end it, and run again"
                    )
                time.sleep(_POLL)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(directory: Path) -> str:
    """Return the pid of the holder; 'unknown' in the moment before it has written it."""
    return (directory / _FILE).read_text(encoding="ascii") or "unknown"
