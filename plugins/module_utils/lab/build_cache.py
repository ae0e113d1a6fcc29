# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache of built components: ``<root>/bin/<component>/<key>/``, where a directory that exists is complete."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from .report import Report


class BuildCache:
    """Directories by component and key, shared by every checkout of a user on a machine."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.downloads = root / "downloads"

    def directory(self, component: str, key: str) -> Path:
        """Return where the files of a component are, once they are built."""
        return self.root / "bin" / component / key

    def has(self, component: str, key: str, files: Sequence[str]) -> bool:
        """Say whether the files are all there; a link to something that has gone does not count."""
        directory = self.directory(component, key)
        return all((directory / name).exists() for name in files)

    @contextmanager
    def filling(self, component: str, key: str, files: Sequence[str], report: Report) -> Iterator[Path | None]:
        """Yield an empty directory to fill, or None when the files are there (perhaps since another run made them).

        What was put into it takes its place at once when the block ends well, and is dropped otherwise.
        Raises OSError when the cache cannot be written.
        """
        target = self.directory(component, key)
        target.parent.mkdir(parents=True, exist_ok=True)
        with (target.parent / f"{key}.lock").open("w") as lock:
            _acquire(lock, component, report)
            if self.has(component, key, files):
                yield None
                return
            # Only the holder of the lock makes these: one that is there was left by a run that was killed.
            for left in target.parent.glob(f"{key}.part-*"):
                shutil.rmtree(left)
            scratch = Path(tempfile.mkdtemp(prefix=f"{key}.part-", dir=target.parent))
            try:
                yield scratch
                scratch.chmod(0o755)
                shutil.rmtree(target, ignore_errors=True)
                scratch.rename(target)
            finally:
                shutil.rmtree(scratch, ignore_errors=True)


def _acquire(lock: IO[str], component: str, report: Report) -> None:
    """Hold the lock until the file is closed."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        report(f"{component}: another run builds it; waiting for that one")
        fcntl.flock(lock, fcntl.LOCK_EX)
