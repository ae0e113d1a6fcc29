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
from .sources import Source
from .store import Store


def collect(sources: Sequence[Source], store: Store, directory: Path) -> list[str]:
    """Put what `sources` stand for into `directory`, and return the names of its entries.

    The other side names the folder as `content_directory` and has the same items; then no source is asked. An installed
    program that its version alone pins is left out: the other side has its own.
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


def _copy(place: Path, target: Path) -> None:
    if target.exists():
        return
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    if place.is_dir():
        shutil.copytree(place, partial)
    else:
        shutil.copyfile(place, partial)
    os.replace(partial, target)
