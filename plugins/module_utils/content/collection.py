# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Content for the side without a network: a folder of the store's form, with what the items of a site need."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from .checksum import HEX_LENGTH as _HEX_LENGTH
from .checksum import verify
from .sources import Source
from .store import NOTE, Store


def collect(sources: Sequence[Source], store: Store, directory: Path) -> list[str]:
    """Put what `sources` stand for into `directory`, and return the names of its entries.

    The other side has the same items and `adopt`s the folder; then no source is asked. An installed program that its
    version alone pins is left out: the other side has its own.
    """
    directory.mkdir(parents=True, exist_ok=True)
    names = []
    for source in sources:
        if len(source.digest) != _HEX_LENGTH:
            continue
        # Of a program that came in an archive, the archive is what the checksum stands for.
        place = store.kept(source.digest) or source.place
        _copy(place, directory / source.digest)
        names.append(source.digest)
        for note in store.notes_of(source.digest):
            shutil.copyfile(note, directory / note.name)
            names.append(note.name)
    return sorted(set(names))


def adopt(directory: Path, store: Store) -> int:
    """Move what `collect` put into a folder into the store, and return how much of it was not there yet.

    Raises ContentError for what is not what its name says.
    """
    new = 0
    store.directory.mkdir(parents=True, exist_ok=True)
    for entry in sorted(directory.iterdir()):
        if len(entry.name) == _HEX_LENGTH:
            verify(entry, entry.name, f"the content {entry.name[:12]}... of the archive")
            with store.alone(entry.name):
                new += store.kept(entry.name) is None
                store.keep(entry, entry.name)
        elif entry.suffix == NOTE:
            shutil.copyfile(entry, store.directory / entry.name)
    shutil.rmtree(directory)
    return new


def _copy(place: Path, target: Path) -> None:
    if target.exists():
        return
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    if place.is_dir():
        shutil.copytree(place, partial)
    else:
        shutil.copyfile(place, partial)
    os.replace(partial, target)
