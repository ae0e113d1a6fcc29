# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One file out of the layers of an image, as a container would see it: upper layers first, whiteouts, links.

Source: OCI image specification, layer.md (whiteouts `.wh.<name>`, opaque folders `.wh..wh..opq`).
"""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from .errors import ContentError

HOPS = 40  # symbolic links on one way, as in Linux
LARGEST = 1 << 30  # bytes of one file
_WHITEOUT, _OPAQUE = ".wh.", ".wh..wh..opq"
_ZSTD = b"\x28\xb5\x2f\xfd"


@dataclass
class _Index:
    """What a layer says of each path: files (with the name of the member that has the bytes), links, folders, gone."""

    layer: Path
    files: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    opaque: set[str] = field(default_factory=set)


def extract_file(layers: Iterator[Path], path: str, target: Path) -> None:
    """Write the file `path` to `target`. `layers` gives the layers' archives, the topmost first, as far as needed.

    Raises ContentError for what is not there, is no file, or is larger than LARGEST.
    """
    known: list[_Index] = []
    wanted = _clean(PurePosixPath(path))
    for _hop in range(HOPS):
        found = _look(known, layers, wanted)
        if isinstance(found, _Index):
            return _write(found, wanted, target)
        wanted = found
    raise ContentError(f"{path} is behind more than {HOPS} symbolic links")


def _look(known: list[_Index], layers: Iterator[Path], wanted: str) -> _Index | str:
    """The layer that has the file, or what the path becomes by a symbolic link on the way to it."""
    prefixes = [str(PurePosixPath(*PurePosixPath(wanted).parts[: n + 1])) for n in range(len(Path(wanted).parts))]
    for index in _indexes(known, layers):
        for prefix in prefixes:
            if prefix in index.links:
                return _clean(
                    PurePosixPath(prefix).parent / index.links[prefix] / PurePosixPath(wanted).relative_to(prefix)
                )
            if prefix in index.files and prefix != wanted:
                raise ContentError(f"there is no {wanted}: {prefix} is a file")
        if wanted in index.files:
            return index
        if wanted in index.folders:
            raise ContentError(f"{wanted} is a folder, not a file")
        if index.gone.intersection(prefixes) or index.opaque.intersection(prefixes[:-1]):
            break
    raise ContentError(f"there is no {wanted} in it")


def _indexes(known: list[_Index], layers: Iterator[Path]) -> Iterator[_Index]:
    yield from known
    for layer in layers:
        known.append(_index(layer))
        yield known[-1]


def _index(layer: Path) -> _Index:
    index = _Index(layer)
    with _opened(layer) as archive:
        for member in archive:
            name = _clean(PurePosixPath(member.name))
            parent, last = str(PurePosixPath(name).parent), PurePosixPath(name).name
            if last == _OPAQUE:
                index.opaque.add(parent)
            elif last.startswith(_WHITEOUT):
                index.gone.add(_clean(PurePosixPath(parent, last.removeprefix(_WHITEOUT))))
            elif member.issym():
                index.links[name] = member.linkname
            elif member.isdir():
                index.folders.add(name)
            elif member.islnk():
                index.files[name] = _clean(PurePosixPath(member.linkname))
            elif member.isreg():
                index.files[name] = name
    return index


def _write(index: _Index, wanted: str, target: Path) -> None:
    source = index.files[wanted]
    with _opened(index.layer) as archive:
        for member in archive:
            if _clean(PurePosixPath(member.name)) != source or not member.isreg():
                continue
            if member.size > LARGEST:
                raise ContentError(f"{wanted} is larger than {LARGEST >> 20} MiB")
            content = archive.extractfile(member)
            with content, target.open("wb") as file:  # type: ignore[union-attr]  # it is a file
                shutil.copyfileobj(content, file)  # type: ignore[arg-type]
            return
    raise ContentError(f"{wanted} is a link to {source}, which its layer does not have")


def _opened(layer: Path) -> tarfile.TarFile:
    try:
        return tarfile.open(layer)  # noqa: SIM115  (the caller closes it)
    except (tarfile.TarError, OSError, EOFError) as error:
        with layer.open("rb") as file:
            if file.read(4) == _ZSTD:
                raise ContentError("a layer is compressed with zstd, which needs Python 3.14 or later") from error
        raise ContentError(f"a layer is no tar archive: {error}") from error


def _clean(path: PurePosixPath) -> str:
    """The path without leading slash, `.` and `..`; above the root is the root."""
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts = parts[:-1]
        elif part not in ("/", "//", "."):
            parts.append(part)
    return str(PurePosixPath(*parts))
