# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OCI image layouts on disk, read and written with the very bytes of manifests and blobs.

Source: OCI image specification, image-layout.md.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO

from ..errors import ImageError, LayoutError
from ..reference.reference import DIGEST
from ..registry.manifests import OCI_INDEX, Descriptor, Manifest

REF_NAME = "org.opencontainers.image.ref.name"
IMAGE_NAME = "io.containerd.image.name"


class Layout:
    """An image layout in a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @classmethod
    def open(cls, directory: Path) -> Layout:
        """Return a layout that is there. Raises LayoutError."""
        if not (directory / "oci-layout").is_file() or not (directory / "index.json").is_file():
            raise LayoutError(f"{directory} is no OCI image layout: oci-layout and index.json are needed in it")
        return cls(directory)

    @classmethod
    def create(cls, directory: Path) -> Layout:
        """Return a layout, made empty where there is none."""
        (directory / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
        if not (directory / "index.json").exists():
            (directory / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}', encoding="utf-8")
            layout = cls(directory)
            layout._write_index([])
            return layout
        return cls.open(directory)

    def images(self) -> list[Descriptor]:
        """Return what index.json points to, names among the annotations."""
        return [Descriptor.from_json(item) for item in self._index()]

    def named(self) -> dict[str, Descriptor]:
        """Return the images that have a full name, by it."""
        return {image.annotations[IMAGE_NAME]: image for image in self.images() if IMAGE_NAME in image.annotations}

    def find(self, name: str = "") -> Descriptor:
        """Return the image of a name (tag or full reference), or the only one there is. Raises LayoutError."""
        images = self.images()
        named = [
            image for image in images if name in (image.annotations.get(REF_NAME), image.annotations.get(IMAGE_NAME))
        ]
        if name and named:
            return named[0]
        if len({image.digest for image in images}) == 1:
            return images[0]
        names = sorted({image.annotations.get(REF_NAME, image.digest) for image in images})
        raise LayoutError(f"{self.directory} holds {len(images)} images ({', '.join(names)}), not exactly one")

    def manifest(self, descriptor: Descriptor) -> Manifest:
        """Return a manifest or index, its bytes verified. Raises LayoutError."""
        raw = self.read(descriptor)
        try:
            return Manifest.of(raw, descriptor.media_type)
        except ImageError as error:
            raise LayoutError(f"{self.path(descriptor.digest)}: {error}") from error

    def read(self, descriptor: Descriptor) -> bytes:
        """Return a small blob, verified. Raises LayoutError."""
        with self.open_blob(descriptor) as file:
            data = file.read()
        if f"sha256:{hashlib.sha256(data).hexdigest()}" != descriptor.digest:
            raise LayoutError(f"{self.path(descriptor.digest)} is damaged: its bytes have another digest")
        return data

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """Open a blob for reading. Raises LayoutError if it is missing or of another size."""
        path = self.path(descriptor.digest)
        try:
            if path.stat().st_size != descriptor.size:
                raise LayoutError(f"{path} has {path.stat().st_size} bytes, {descriptor.size} are expected")
            return path.open("rb")
        except FileNotFoundError:
            raise LayoutError(f"{self.directory} lacks the blob {descriptor.digest}") from None

    def has(self, descriptor: Descriptor) -> bool:
        """Return whether a blob of this digest and size is there."""
        path = self.path(descriptor.digest)
        return path.is_file() and path.stat().st_size == descriptor.size

    def path(self, digest: str) -> Path:
        """Return where a blob is, or would be. Raises LayoutError for what is no digest."""
        if not DIGEST.fullmatch(digest):
            raise LayoutError(f"{digest!r} is no digest")
        algorithm, _colon, value = digest.partition(":")
        return self.directory / "blobs" / algorithm / value

    def write(self, data: bytes, digest: str) -> None:
        """Write a blob in one step. Raises LayoutError if the bytes have another digest."""
        if f"sha256:{hashlib.sha256(data).hexdigest()}" != digest:
            raise LayoutError(f"bytes to be written as {digest} have another digest")
        _replace(self.path(digest), data)

    def name(self, manifest: Manifest, tag: str, image: str) -> None:
        """Have index.json point to a manifest under a tag and a full name; the name's earlier image loses it."""
        entry = {
            "mediaType": manifest.media_type,
            "digest": manifest.digest,
            "size": len(manifest.raw),
            "annotations": {REF_NAME: tag, IMAGE_NAME: image},
        }
        others = [item for item in self._index() if (item.get("annotations") or {}).get(IMAGE_NAME) != image]
        self._write_index([*others, entry])

    def _index(self) -> list[dict]:
        try:
            return list(json.loads((self.directory / "index.json").read_bytes())["manifests"])
        except (ValueError, KeyError, TypeError):
            raise LayoutError(f"{self.directory / 'index.json'} is damaged: it is no image index") from None

    def _write_index(self, manifests: list[dict]) -> None:
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}
        _replace(self.directory / "index.json", json.dumps(document, separators=(",", ":"), sort_keys=True).encode())


def _replace(path: Path, data: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".part-", delete=False) as file:
        file.write(data)
    shutil.move(file.name, path)
