# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes one image layer: a gzip-compressed tar whose bytes depend on its content alone.

Entries come in sorted order, with modification time 0 and numeric owners (OCI image specification, layer.md).
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .recipes import Entry
from .sources import Sources

# Fast: the images travel over loopback only, and on two cores the time to compress is what a first start waits for.
_COMPRESSION = 2


@dataclass(frozen=True)
class LayerBlob:
    """A written layer: digest and size (bytes) of the compressed file, diff_id of the tar inside."""

    digest: str
    size: int
    diff_id: str
    path: Path

    def save(self, file: Path) -> None:
        """Write digest, size and diff_id as JSON."""
        fields = {"digest": self.digest, "size": self.size, "diff_id": self.diff_id}
        file.write_text(json.dumps(fields), encoding="utf-8")

    @classmethod
    def load(cls, file: Path, path: Path) -> LayerBlob:
        """Read what `save` wrote."""
        return cls(**json.loads(file.read_text(encoding="utf-8")), path=path)


class LayerWriter:
    """Writes tar entries in the order they come; `close` returns what was written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("wb")
        self._compressed = _Hashing(self._file)
        self._gzip = gzip.GzipFile("", "wb", compresslevel=_COMPRESSION, fileobj=self._compressed, mtime=0)
        self._tar_bytes = _Hashing(self._gzip)
        self._tar = tarfile.open(fileobj=self._tar_bytes, mode="w|", format=tarfile.PAX_FORMAT, bufsize=1 << 20)

    def add(
        self, name: str, *, kind: bytes, mode: int, uid: int, gid: int,
        link: str = "", content: BinaryIO | None = None, size: int = 0,
    ) -> None:  # fmt: skip
        """Add an entry; kind is tarfile.REGTYPE, SYMTYPE or DIRTYPE, size is the length of content in bytes."""
        info = tarfile.TarInfo(name)
        info.type, info.mode, info.uid, info.gid, info.linkname, info.size = kind, mode, uid, gid, link, size
        self._tar.addfile(info, content)

    def close(self) -> LayerBlob:
        """Finish the layer."""
        self._tar.close()
        self._gzip.close()
        self._file.close()
        return LayerBlob(self._compressed.digest, self._compressed.size, self._tar_bytes.digest, self._path)


def write_entries(path: Path, entries: Iterable[Entry], sources: Sources) -> LayerBlob:
    """Write a layer of recipe entries; the directories above them are added, owned by root."""
    writer = LayerWriter(path)
    by_path = {entry.path.strip("/"): entry for entry in entries}
    parents = {str(parent) for name in by_path for parent in Path(name).parents} - {"."} - by_path.keys()
    for name in sorted([*by_path, *parents]):
        entry = by_path.get(name)
        if entry is None:
            writer.add(name, kind=tarfile.DIRTYPE, mode=0o755, uid=0, gid=0)
        elif entry.directory:
            writer.add(name, kind=tarfile.DIRTYPE, mode=entry.mode, uid=entry.owner, gid=entry.owner)
        elif entry.link:
            writer.add(name, kind=tarfile.SYMTYPE, mode=0o777, uid=entry.owner, gid=entry.owner, link=entry.link)
        else:
            source = sources.file(entry)
            with source.open("rb") as content:
                writer.add(
                    name, kind=tarfile.REGTYPE, mode=entry.mode, uid=entry.owner, gid=entry.owner,
                    content=content, size=source.stat().st_size,
                )  # fmt: skip
    return writer.close()


class _Hashing(io.RawIOBase):
    """Passes bytes on and keeps their sha256 and number."""

    def __init__(self, target: BinaryIO | gzip.GzipFile) -> None:
        super().__init__()
        self._target = target
        self._hash = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self._hash.update(data)
        self.size += len(data)
        self._target.write(data)
        return len(data)

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"
