# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The key of an image build: a hash of what goes into it, used as the image's tag."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

KEY_LENGTH = 16
_LEFT_OUT = ("__pycache__",)
_LEFT_OUT_SUFFIXES = (".pyc", ".sqlite3", ".sqlite3-wal", ".sqlite3-shm")


def source_files(folder: Path) -> list[Path]:
    """The files below `folder` that are sources, sorted by their path; the same that .dockerignore lets through."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not set(_LEFT_OUT) & set(path.relative_to(folder).parts)
        and path.suffix not in _LEFT_OUT_SUFFIXES
    )


def build_key(folder: Path, dockerfile: Path, inputs: Sequence[str]) -> str:
    """Sixteen hex digits that change whenever a source, its path, the Dockerfile or one of `inputs` changes.

    Times, owners and the folder's place do not count, so every clone of the same sources has the same key.
    Raises OSError when a file cannot be read.
    """
    listed = [["Dockerfile", _digest(dockerfile)]]
    listed += [[path.relative_to(folder).as_posix(), _digest(path)] for path in source_files(folder)]
    text = json.dumps({"files": listed, "inputs": list(inputs)}, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
