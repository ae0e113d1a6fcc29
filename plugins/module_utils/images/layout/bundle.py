# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles: one archive with images as an OCI layout and the lock that was made with them.

Source: OCI image specification, image-layout.md. The archive is plain tar, because layers are compressed already; so
containerd, docker and skopeo read it too. The same content makes the same bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from ..errors import ImageError, LayoutError
from ..registry.manifests import OCI_INDEX, Descriptor, Manifest
from .bundle_content import add_content, unpack_content
from .layout import IMAGE_NAME, Layout

LOCK = "images.lock.yml"
_BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})")
_READ = 1024 * 1024

Report = Callable[[str], None]


class BundleError(ImageError):
    """A file is no bundle, or a damaged one."""


@dataclass(frozen=True)
class Bundle:
    """An unpacked bundle: its images, the bytes of its lock, and how many blobs had to be unpacked."""

    layout: Layout
    lock: bytes
    unpacked: int


def write_bundle(
    layout: Layout, names: Iterable[str], lock: bytes, path: Path, report: Report, content: Path | None = None
) -> bool:
    """Write the named images of a layout into a file, which appears complete or not at all; with them all of `content`.

    Returns whether the file is new or other than before. Raises LayoutError for an image that the layout lacks.
    """
    entries = _entries(layout, names)
    part = path.with_name(f"{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    with part.open("wb") as file:
        _write(layout, entries, {LOCK: lock} if lock else {}, file, report, content)
    if path.exists() and _digest(path) == _digest(part):
        part.unlink()
        return False
    part.replace(path)
    return True


def stream_images(layout: Layout, names: Iterable[str], stream: IO[bytes]) -> None:
    """Write the named images of a layout as an archive into a stream that need not be seekable. Raises LayoutError."""
    _write(layout, _entries(layout, names), {}, stream, lambda line: None)


def stream_docker_images(layout: Layout, names: Iterable[str], architecture: str, stream: IO[bytes]) -> None:
    """The same for `docker load`, of any version: manifest.json in it names one architecture's blobs of the layout.

    Source: Docker image specification v1.2, "Combined Image JSON + Filesystem Changeset Format".
    """
    entries, rows = {}, []
    for name, entry in _entries(layout, names).items():
        manifest = _of_architecture(layout, entry, architecture)
        entries[name] = manifest.descriptor()
        config = manifest.config().digest
        layers = [blob.digest for blob in manifest.layers()]
        rows.append({"Config": _place(config), "RepoTags": [name], "Layers": [_place(digest) for digest in layers]})
    _write(layout, entries, {"manifest.json": json.dumps(rows).encode()}, stream, lambda line: None)


def config_digest(layout: Layout, name: str, architecture: str) -> str:
    """Return the digest of an image's configuration, which docker takes as its ID; '' if the layout lacks it."""
    entry = layout.named().get(name)
    return _of_architecture(layout, entry, architecture).config().digest if entry else ""


def read_bundle(path: Path, directory: Path) -> Bundle:
    """Unpack a bundle into a layout, every blob verified; what is there already is skipped. Raises BundleError.

    Release files come into the folder `content` of it, unverified: their names are their checksums.
    """
    try:
        with tarfile.open(path, "r:") as archive:
            return _unpack(archive, path, directory)
    except (OSError, tarfile.TarError) as error:
        raise BundleError(f"the bundle {path} cannot be read: {error}") from error


def _entries(layout: Layout, names: Iterable[str]) -> dict[str, Descriptor]:
    there, wanted = layout.named(), sorted(set(names))
    lacking = [name for name in wanted if name not in there]
    if lacking:
        raise LayoutError(f"{layout.directory} lacks {', '.join(lacking)}")
    return {name: there[name] for name in wanted}


def _of_architecture(layout: Layout, entry: Descriptor, architecture: str) -> Manifest:
    """Return the manifest of an image, out of its index where it has one. Raises LayoutError."""
    manifest = layout.manifest(entry)
    if not manifest.is_index:
        return manifest
    for child in manifest.children():
        if child.platform.get("architecture") == architecture and layout.has(child):
            return layout.manifest(child)
    raise LayoutError(f"{layout.directory} has no image of the architecture {architecture} for {entry.digest}")


def _place(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _write(
    layout: Layout,
    entries: dict[str, Descriptor],
    beside: dict[str, bytes],
    stream: IO[bytes],
    report: Report,
    content: Path | None = None,
) -> None:
    blobs = {blob.digest: blob for entry in entries.values() for blob in _content(layout, entry)}
    total, done = sum(blob.size for blob in blobs.values()), 0
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.USTAR_FORMAT) as archive:
        _add(archive, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        _add(archive, "index.json", _index(entries))
        for name, data in beside.items():
            _add(archive, name, data)
        if content:
            add_content(archive, content)
        for number, digest in enumerate(sorted(blobs), start=1):
            with layout.open_blob(blobs[digest]) as file:
                _add_file(archive, _place(digest), blobs[digest], file)
            done += blobs[digest].size
            if number % 50 == 0:
                report(f"{done / 1e6:.1f} of {total / 1e6:.1f} MB written")


def _unpack(archive: tarfile.TarFile, path: Path, directory: Path) -> Bundle:
    layout, index, lock, unpacked = Layout.create(directory), b"", b"", 0
    for member in archive:
        content = archive.extractfile(member)
        if content is None:
            continue
        blob = _BLOB.fullmatch(member.name)
        if blob:
            unpacked += _unpack_blob(layout, Descriptor("", f"sha256:{blob[1]}", member.size), content, path)
        elif member.name == "index.json":
            index = content.read()
        elif member.name == LOCK:
            lock = content.read()
        else:
            unpack_content(member, content, directory)
    try:
        entries = [Descriptor.from_json(entry) for entry in json.loads(index)["manifests"]]
    except (ValueError, KeyError, TypeError, ImageError):
        raise BundleError(f"{path} is no bundle of images: there is no image index in it") from None
    _check_complete(layout, entries, path)
    for entry in entries:
        name = entry.annotations.get(IMAGE_NAME, "")
        layout.name(layout.manifest(entry), name.rpartition(":")[2], name)
    return Bundle(layout, lock, unpacked)


def _check_complete(layout: Layout, entries: list[Descriptor], path: Path) -> None:
    try:
        complete = all(layout.has(blob) for entry in entries for blob in _content(layout, entry))
    except ImageError:
        complete = False
    if not complete:
        raise BundleError(f"the bundle {path} is incomplete: it was cut off, or images were left out of it")


def _unpack_blob(layout: Layout, blob: Descriptor, content: BinaryIO, path: Path) -> int:
    if layout.has(blob):
        return 0
    target = layout.path(blob.digest)
    part, sum_of = target.with_name(f"{target.name}.part"), hashlib.sha256()
    with part.open("wb") as file:
        while data := content.read(_READ):
            sum_of.update(data)
            file.write(data)
    if f"sha256:{sum_of.hexdigest()}" != blob.digest:
        part.unlink()
        raise BundleError(f"the bundle {path} is damaged: the blob {blob.digest} has other bytes")
    part.replace(target)
    return 1


def _content(layout: Layout, entry: Descriptor) -> Iterator[Descriptor]:
    """Yield a manifest and all that it points to; of an index, the architectures that the layout has."""
    yield Descriptor(entry.media_type, entry.digest, entry.size)
    manifest = layout.manifest(entry)
    children = [child for child in manifest.children() if layout.has(child)]
    if manifest.is_index and not children:
        raise LayoutError(f"{layout.directory} has the index {entry.digest}, but no image of it")
    for child in children:
        yield from _content(layout, child)
    yield from manifest.blobs()


def _index(entries: dict[str, Descriptor]) -> bytes:
    manifests = [
        {
            "mediaType": entry.media_type,
            "digest": entry.digest,
            "size": entry.size,
            "annotations": dict(entry.annotations) | {IMAGE_NAME: name},
        }
        for name, entry in entries.items()
    ]
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()


def _add(archive: tarfile.TarFile, name: str, data: bytes) -> None:
    _add_file(archive, name, Descriptor("", "", len(data)), io.BytesIO(data))


def _add_file(archive: tarfile.TarFile, name: str, blob: Descriptor, file: BinaryIO) -> None:
    member = tarfile.TarInfo(name)
    member.size = blob.size
    member.mode = 0o644
    archive.addfile(member, file)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
