# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directories of the cache: complete under their final name, or not there."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def filling(directory: Path) -> Iterator[Path | None]:
    """Give an empty directory to fill, or None if another run has made the entry while this one waited for it.

    What was put in takes its place in one step when the block ends well, and is dropped otherwise.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    with directory.with_name(f"{directory.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if directory.is_dir():
            yield None
            return
        # Only the holder of the lock makes these: one that is there was left by a run that was killed.
        prefix = f".part-{directory.name}-"
        for left in directory.parent.glob(f"{prefix}*"):
            shutil.rmtree(left)
        part = Path(tempfile.mkdtemp(prefix=prefix, dir=directory.parent))
        try:
            yield part
            part.chmod(0o755)
            part.rename(directory)
        finally:
            shutil.rmtree(part, ignore_errors=True)
