# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes a program out of the archive that a release ships it in."""

from __future__ import annotations

import os
import shutil
import tarfile
import threading
from pathlib import Path, PurePosixPath

from .errors import ContentError


def program_of(archive: Path, name: str, program: Path) -> Path:
    """Return `program`, an executable file with the program `name` of a tar archive, kept for the next run.

    A file that is no archive is taken for the program itself. Raises ContentError when the archive has no such file.
    """
    if program.exists():
        return program
    program.parent.mkdir(parents=True, exist_ok=True)
    partial = program.with_name(f"{program.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        if tarfile.is_tarfile(archive):
            _extract(archive, name, partial)
        else:
            shutil.copyfile(archive, partial)
        partial.chmod(0o755)
        partial.replace(program)
    finally:
        partial.unlink(missing_ok=True)
    return program


def _extract(archive: Path, name: str, target: Path) -> None:
    with tarfile.open(archive) as opened:
        for member in opened:
            content = opened.extractfile(member) if PurePosixPath(member.name).name == name else None
            if content is not None:
                with content, target.open("wb") as file:
                    shutil.copyfileobj(content, file)
                return
    raise ContentError(f"the archive {archive} holds no file {name}")
