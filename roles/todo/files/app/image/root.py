"""The file system of the final image while it is put together."""

from __future__ import annotations

import fnmatch
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

# `libz.so.1 => /lib/x86_64-linux-gnu/libz.so.1 (0x…)` or `/lib64/ld-linux-x86-64.so.2 (0x…)`; see ldd(1)
_LIBRARY = re.compile(r"(?:^|=>)\s*(/\S+) \(0x", re.MULTILINE)
_ELF = b"\x7fELF"


class Root:
    """`folder` becomes the root; `copied` are the files that came from this system, by their real paths here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.copied: set[Path] = set()
        folder.mkdir(parents=True)
        # On a system with merged /usr, names such as /lib64/ld-linux-x86-64.so.2 lead through these.
        for link in sorted(Path("/").iterdir()):
            if link.is_symlink():
                (folder / link.name).symlink_to(os.readlink(link))

    def add(self, path: Path, optional: bool = False) -> None:
        """Copy a file to the same place; where it is a symbolic link, what it leads to as well."""
        place = Path(os.path.realpath(path.parent)) / path.name
        if place in self.copied or (optional and not place.exists()):
            return
        here = self._place(place)
        self.copied.add(place)
        if place.is_symlink():
            here.symlink_to(os.readlink(place))
            self.add(place.parent / os.readlink(place))
        else:
            shutil.copyfile(place, here)
            here.chmod(0o755 if os.access(place, os.X_OK) and not place.suffix == ".py" else 0o644)

    def add_tree(self, folder: Path, unused: Sequence[str]) -> None:
        """Copy the files of a folder, without those whose name, or a folder's of theirs, fits one of `unused`."""
        for directory, names, files in os.walk(folder):
            names[:] = sorted(name for name in names if not _fits(name, unused))
            for name in sorted(files):
                if not _fits(name, unused):
                    self.add(Path(directory, name))

    def add_libraries(self) -> None:
        """Copy the shared libraries that the programs and modules copied so far need, and those that these need.

        What this system lacks is left out: slim images hold modules that work nowhere, such as _tkinter without Tk.
        """
        for path in sorted(self.copied):
            if not path.is_symlink() and _is_elf(path):
                done = subprocess.run(["ldd", path], capture_output=True, text=True, check=False)
                for library in _LIBRARY.findall(done.stdout):
                    self.add(Path(library))

    def write(self, path: str, text: str) -> None:
        """Make a file with this text."""
        self._place(Path(path)).write_text(text, encoding="utf-8")

    def link(self, path: str, target: Path) -> None:
        """Make a symbolic link, unless `path` is the target itself."""
        if Path(path) != target:
            self._place(Path(path)).symlink_to(target)

    def settle(self) -> None:
        """Give everything one time, and folders one mode."""
        for directory, names, files in os.walk(self.folder, topdown=False):
            here = Path(directory)
            for name in (*names, *files):
                os.utime(here / name, (0, 0), follow_symlinks=False)
            if here != self.folder / "tmp":
                here.chmod(0o755)
            os.utime(here, (0, 0))

    def _place(self, path: Path) -> Path:
        here = self.folder / path.relative_to("/")
        here.parent.mkdir(parents=True, exist_ok=True)
        return here


def _fits(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == _ELF
