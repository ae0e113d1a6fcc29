# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rendered files: YAML for people and kubectl, and beside each the same documents as JSON, which is read much faster.

The JSON names the checksum of the YAML that it was made of, and is not used for any other: whoever edits the YAML has
what he wrote.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from .loading import parse_documents

PARSED = ".parsed.json"  # follows the whole name of the file


def read_rendered(path: str | Path, keep: bool = False) -> list[Any]:
    """All documents of a YAML file, rendered here or not; with `keep` those that follow find the JSON.

    Raises ValueError when the file cannot be read or parsed.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    parsed = _read_parsed(Path(f"{path}{PARSED}"), data)
    if parsed is not None:
        return parsed
    documents = parse_documents(data, str(path))
    if keep:
        _write_parsed(Path(path), data, documents)
    return documents


def write_rendered(path: Path, text: str, documents: list[Any]) -> None:
    """Write both at once and for the owner alone: manifests may hold values of the inventory. Raises OSError.

    `documents` are those of `text`.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    data = text.encode()
    _replace(path, data)
    _write_parsed(path, data, documents)


def _write_parsed(path: Path, data: bytes, documents: list[Any]) -> None:
    parsed = {"of": hashlib.sha256(data).hexdigest(), "documents": documents}
    with contextlib.suppress(OSError):  # it only saves time
        _replace(Path(f"{path}{PARSED}"), json.dumps(parsed).encode())


def _read_parsed(path: Path, data: bytes) -> list[Any] | None:
    try:
        parsed = json.loads(path.read_bytes())
        if parsed["of"] == hashlib.sha256(data).hexdigest() and isinstance(parsed["documents"], list):
            return parsed["documents"]
    except (OSError, ValueError, TypeError, KeyError):
        pass
    return None


def _replace(path: Path, data: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise
