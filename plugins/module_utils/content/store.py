# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache of content: files and folders under their checksum, shared by all contexts and runs of this user."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .checksum import sha256_of

NOTE = ".image"  # how the names of notes end
TELL_AFTER = 5.0  # seconds of waiting for another run
_POLL = 0.1  # seconds; flock(2) itself waits without an end or not at all


def cache_directory() -> Path:
    """Where content is kept: below XDG_CACHE_HOME, else ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "selfhosted-serverless" / "downloads"


class Store:
    """A folder with one entry a checksum. `others` are folders of the same form that are looked into and left alone."""

    def __init__(self, directory: Path | None = None, others: Sequence[Path] = ()) -> None:
        self.directory = directory or cache_directory()
        self._others = tuple(others)
        self._done_with: set[str] = set()

    def kept(self, sha256: str) -> Path | None:
        """The file or folder with that checksum, None where there is none or it is damaged."""
        for directory in (self.directory, *self._others):
            place = directory / sha256.lower()
            if place.exists() and sha256_of(place) == sha256.lower():
                return place
        return None

    def keep(self, place: Path, sha256: str) -> Path:
        """Move a verified file or folder in; what another run has just put there is as good."""
        target = self.directory / sha256.lower()
        if place.is_dir():
            if target.exists() and sha256_of(target) == sha256.lower():
                shutil.rmtree(place)
                return target
            if target.exists():
                shutil.rmtree(target)
        return place.replace(target)

    def checksum_of(self, place: Path) -> str:
        """The checksum of a file or folder; what is kept here has it for its name, and was compared with it."""
        return place.name if place.parent in (self.directory, *self._others) else sha256_of(place)

    def noted(self, name: str) -> Path | None:
        """What is kept under the checksum that was noted under a name, such as that of a file in a known image."""
        for directory in (self.directory, *self._others):
            note = directory / name
            if note.is_file() and (place := self.kept(note.read_text(encoding="ascii"))):
                return place
        return None

    def note(self, name: str, place: Path) -> None:
        """Note under a name what is kept at `place`."""
        handle, temporary = tempfile.mkstemp(dir=self.directory, prefix=".note-")
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(place.name)
        os.replace(temporary, self.directory / name)

    def notes_of(self, sha256: str) -> list[Path]:
        """The notes that lead to a checksum."""
        return [note for note in self.directory.glob(f"*{NOTE}") if note.read_text(encoding="ascii") == sha256]

    def scratch(self) -> Path:
        """A new folder on the same disk; the caller removes it."""
        self.directory.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(dir=self.directory, prefix=".scratch-"))

    def done_with(self, name: str) -> None:
        """Have `tidy` remove a folder of the store that several items use, each under the lock of that name."""
        self._done_with.add(name)

    def tidy(self) -> None:
        """Remove what the items are done with. What a broken transfer left is not of it: the next run goes on there."""
        while self._done_with:
            name = self._done_with.pop()
            with self.alone(name):
                shutil.rmtree(self.directory / name, ignore_errors=True)

    @contextmanager
    def alone(self, key: str, tell: Callable[[str], None] = lambda line: None) -> Iterator[None]:
        """Do what `key` names in one thread of one process at a time: the others wait and then find it done.

        The system gives the lock free when its holder ends, however it ends. The lock's file stays: one that is removed
        would let two processes lock two files.
        """
        locks = self.directory / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        with (locks / key).open("w") as file:
            started, told = time.monotonic(), False
            while not _taken(file.fileno()):
                if not told and time.monotonic() - started > TELL_AFTER:
                    told = True
                    tell("another run is fetching the same content; waiting for it")
                time.sleep(_POLL)
            yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
