# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checksums of content: of a file's bytes, or of a directory as a whole.

A directory's checksum is that of the list which sha256sum prints for its files in the order of their names:
    find . -type f -printf '%P\\n' | LC_ALL=C sort | xargs -d '\\n' sha256sum | sha256sum
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from .errors import ContentError

HEX_LENGTH = 64
BLOCK = 1 << 20  # bytes


def sha256_of(path: Path) -> str:
    """Hex digest of a file or directory. Raises ContentError when it cannot be read."""
    try:
        if path.is_dir():
            return _of_directory(path)
        return _of_file(path)
    except OSError as error:
        raise ContentError(f"{path} cannot be read: {error.strerror}") from error


def verify(path: Path, expected: str | None, source: str) -> str:
    """The digest when it is the `expected` one. Raises ContentError that shows both, for comparing and pasting."""
    actual = sha256_of(path)
    if not expected:
        raise ContentError(f"{source} needs a sha256; what is there now has\n  sha256: {actual}")
    if expected.lower() != actual:
        raise ContentError(
            f"{source} is not what its checksum says:\n  expected {expected.lower()}\n  found    {actual}\n"
            "If the new content is wanted, look at what changed and then write the found value"
        )
    return actual


def plain(sha256: object) -> str:
    """The hex digits of a checksum as people have it from release pages and registries; '' for none."""
    return str(sha256 or "").strip().lower().removeprefix("sha256:")


def _of_file(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _of_directory(path: Path) -> str:
    names = sorted(file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
    listing = "".join(f"{_of_file(path / name)}  {name}\n" for name in names)
    return hashlib.sha256(listing.encode()).hexdigest()
