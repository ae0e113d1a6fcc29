# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bring a folder to a wanted set of folders, links and files; what else is in it is left alone."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class WantedFile:
    """A file with its text; the path is relative to the folder, the mode is octal."""

    path: str
    content: str
    mode: int = 0o644


@dataclass(frozen=True)
class Wanted:
    """What is to be there: folders to modes, links to targets, files. All paths are relative to the folder."""

    folders: dict[str, int] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    files: tuple[WantedFile, ...] = ()


@dataclass(frozen=True)
class Difference:
    """A path that was not as wanted, with its text before and after (empty for folders and links)."""

    path: str
    before: str = ""
    after: str = ""


def ensure_files(folder: Path, wanted: Wanted, only_look: bool = False) -> list[Difference]:
    """Make what is missing or different, and say what that was. A file is replaced in one step."""
    found = []
    for name, mode in wanted.folders.items():
        if _mode(folder / name) != mode:
            found.append(Difference(name))
            if not only_look:
                (folder / name).mkdir(parents=True, exist_ok=True)
                (folder / name).chmod(mode)
    for name, target in wanted.links.items():
        link = folder / name
        if not (link.is_symlink() and os.readlink(link) == target):
            found.append(Difference(name))
            if not only_look:
                _replace_link(link, target)
    for file in wanted.files:
        path = folder / file.path
        before = path.read_text() if path.is_file() else ""
        if before != file.content or _mode(path) != file.mode:
            found.append(Difference(file.path, before, file.content))
            if not only_look:
                _replace_file(path, file)
    return found


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode & 0o7777
    except FileNotFoundError:
        return None


def _replace_link(link: Path, target: str) -> None:
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(target)
    new.replace(link)


def _replace_file(path: Path, file: WantedFile) -> None:
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, file.mode)
    with os.fdopen(descriptor, "w") as stream:
        os.fchmod(descriptor, file.mode)
        stream.write(file.content)
    new.replace(path)
