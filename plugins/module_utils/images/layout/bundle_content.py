# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The release files in a bundle, beside its images: the folder `content` of the archive."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path, PurePosixPath
from typing import IO

FOLDER = "content"


def add_content(archive: tarfile.TarFile, directory: Path) -> None:
    """Write all files of a folder, in the order of their names; the same files make the same bytes."""
    for file in sorted(directory.rglob("*")):
        if file.is_file():
            member = tarfile.TarInfo(f"{FOLDER}/{file.relative_to(directory).as_posix()}")
            member.size, member.mode = file.stat().st_size, 0o644
            with file.open("rb") as opened:
                archive.addfile(member, opened)


def unpack_content(member: tarfile.TarInfo, content: IO[bytes], directory: Path) -> None:
    """Write one member below `directory` when it is a release file; anything else is passed over."""
    parts = PurePosixPath(member.name).parts
    if len(parts) < 2 or parts[0] != FOLDER or ".." in parts:
        return
    target = directory.joinpath(*parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        shutil.copyfileobj(content, file)
