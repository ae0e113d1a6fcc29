# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The zip file of a Go module: its h1 sum, its limits, and reading out of it.

Sources: https://go.dev/ref/mod#zip-files for limits and names, golang.org/x/mod/sumdb/dirhash (Hash1) for the sum.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from .errors import ContentError

LARGEST_ZIP = LARGEST_TREE = 500 << 20  # bytes
LARGEST_GO_MOD = LARGEST_LICENSE = 16 << 20  # bytes
_BLOCK = 1 << 20  # bytes
# What zipfile raises for one wrong byte: RuntimeError for "encrypted" and versions to come, OSError for places before
# the file's begin and for other ways of compressing
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError, OSError)


class ModuleZip:
    """An opened zip file of 'path@version'. Raises ContentError for what is no module's zip."""

    def __init__(self, path: Path, module_at_version: str) -> None:
        self._name = module_at_version
        if path.stat().st_size > LARGEST_ZIP:
            raise ContentError(f"the zip of {module_at_version} is larger than {LARGEST_ZIP >> 20} MiB")
        try:
            self._zip = zipfile.ZipFile(path)
        except _DAMAGE as error:
            raise ContentError(f"what came for {module_at_version} is no zip file: {error}") from error
        self._prefix = f"{module_at_version}/"
        self._files = {info.filename: info for info in self._zip.infolist() if not info.is_dir()}
        try:
            self._check()
        except ContentError:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._zip.close()

    def sum(self) -> str:
        """The h1 sum, as in go.sum. Raises ContentError for damaged bytes."""
        listing = hashlib.sha256()
        # Go sorts the bytes of the names; code points sort the same way as UTF-8.
        for name in sorted(self._files):
            digest = hashlib.sha256()
            try:
                with self._zip.open(name) as file:
                    while block := file.read(_BLOCK):
                        digest.update(block)
            except _DAMAGE as error:
                raise ContentError(f"the zip of {self._name} is damaged at {name}: {error}") from error
            listing.update(f"{digest.hexdigest()}  {name}\n".encode())
        return "h1:" + base64.b64encode(listing.digest()).decode()

    def extract(self, path: str, target: Path) -> None:
        """Bring a file, or a folder with all below it ('' for all), to `target`, which must not be there yet."""
        inside = self._prefix + path.strip("/")
        if inside in self._files:
            self._write(inside, target)
            return
        below = f"{inside.rstrip('/')}/"
        names = [name for name in self._files if name.startswith(below)]
        if not names:
            raise ContentError(f"{self._name} has no {path}")
        for name in names:
            self._write(name, target / name.removeprefix(below))

    def _write(self, name: str, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self._zip.open(name) as file, target.open("wb") as out:
                shutil.copyfileobj(file, out)
        except _DAMAGE as error:
            raise ContentError(f"the zip of {self._name} is damaged at {name}: {error}") from error

    def _check(self) -> None:
        total = 0
        for name, info in self._files.items():
            parts = PurePosixPath(name).parts
            if not name.startswith(self._prefix) or ".." in parts or "\\" in name or "\n" in name:
                raise ContentError(f"the zip of {self._name} holds {name!r}, which no module's zip may hold")
            total += info.file_size
            for file, largest in (("go.mod", LARGEST_GO_MOD), ("LICENSE", LARGEST_LICENSE)):
                if name == self._prefix + file and info.file_size > largest:
                    raise ContentError(f"{file} of {self._name} is larger than {largest >> 20} MiB")
        if total > LARGEST_TREE:
            raise ContentError(f"the files of {self._name} are larger than {LARGEST_TREE >> 20} MiB together")
