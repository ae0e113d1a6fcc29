# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A backup of the todo application's database: a file on the controller that has proved to be restorable."""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..kube.errors import ReleaseError
from .database import MAGIC, Database, Table


@dataclass(frozen=True)
class Backup:
    """A finished backup: `size` in bytes, `sha256` in hex, and what the tables held."""

    file: Path
    size: int
    sha256: str
    tables: dict[str, Table]


def back_up(database: Database, file: Path, progress: Callable[[str], None]) -> Backup:
    """Write a dump to `file`, which must not exist, once a restore of it has shown the same rows.

    The file appears complete or not at all, and only its owner can read it. Raises KubeError or OSError.
    """
    if file.exists():
        raise ReleaseError(f"{file} exists; a backup never replaces another")
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # with mode 0600
    partial = Path(name)
    try:
        checksum = hashlib.sha256()
        with open(handle, "wb") as out:

            def take(chunk: bytes) -> None:
                out.write(chunk)
                checksum.update(chunk)

            tables = database.dump(take)
            out.flush()
            os.fsync(out.fileno())
        size = require_dump(partial)
        progress(f"{size} bytes dumped; restoring them into a scratch database")
        _verify(database, partial, tables)
        os.link(partial, file)  # unlike a rename, it does not replace what came meanwhile
        _sync_folder(file.parent)
    finally:
        partial.unlink(missing_ok=True)
    return Backup(file, size, checksum.hexdigest(), tables)


def require_dump(file: Path) -> int:
    """The size of a dump in bytes. Raises ReleaseError for a file that is none, or cannot be read."""
    try:
        with file.open("rb") as opened:
            begins = opened.read(len(MAGIC))
            size = os.fstat(opened.fileno()).st_size
    except OSError as error:
        raise ReleaseError(f"{file} cannot be read: {error.strerror}") from error
    if begins != MAGIC:
        raise ReleaseError(f"{file} is no backup: it does not begin as a dump of PostgreSQL in its custom format does")
    return size


def _verify(database: Database, file: Path, expected: dict[str, Table]) -> None:
    scratch = f"todo_check_{secrets.token_hex(4)}"
    database.create(scratch)
    try:
        database.load(scratch, file)
        found = database.digest(scratch)
    finally:
        database.drop(scratch)
    if found != expected:
        raise ReleaseError(f"the restored dump holds {found} instead of {expected}; the backup is not kept")


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
