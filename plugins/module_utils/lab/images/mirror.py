# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stocks the lab's mirror: each image under ``<mirror>/<original host>/<path>:<tag>``, pushed only where missing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from ..report import Report
from .assembly import INDEX, MANIFEST
from .errors import LabImageError
from .store import CachedImage
from .upload import MirrorConnection

# Two cores: hashing at the registry is what the time goes into.
_WORKERS = 4


class Mirror:
    """The mirror of one lab, by host and port, reached by plain HTTP."""

    def __init__(self, address: str, report: Report) -> None:
        self._address = address
        self._report = report

    def lacking(self, images: Sequence[CachedImage]) -> list[CachedImage]:
        """Return the images that the mirror has not, or has with another digest.

        Raises LabImageError if the mirror does not answer.
        """
        with ThreadPoolExecutor(_WORKERS) as pool:
            found = list(pool.map(self._digest, images))
        return [image for image, digest in zip(images, found, strict=True) if digest != image.digest]

    def stock(self, images: Sequence[CachedImage]) -> set[str]:
        """Push what is lacking, several images at a time, and return the names of what was pushed."""
        lacking = self.lacking(images)
        with ThreadPoolExecutor(_WORKERS) as pool:
            for number, image in enumerate(pool.map(self._push, lacking), start=1):
                self._report(f"{number}/{len(lacking)} pushed {image.name} ({image.size / 1e6:.0f} MB)")
        return {image.name for image in lacking}

    def _digest(self, image: CachedImage) -> str | None:
        repository, _, tag = image.name.rpartition(":")
        with closing(MirrorConnection(self._address)) as connection:
            return connection.manifest_digest(repository, tag)

    def _push(self, image: CachedImage) -> CachedImage:
        repository, _, tag = image.name.rpartition(":")
        blobs = image.directory / "blobs" / "sha256"
        index = _read(blobs, image.digest)
        with closing(MirrorConnection(self._address)) as connection:
            for described in index["manifests"]:
                manifest = _read(blobs, described["digest"])
                for blob in [manifest["config"], *manifest["layers"]]:
                    if not connection.has_blob(repository, blob["digest"]):
                        connection.put_blob(repository, blob["digest"], _path(blobs, blob["digest"]))
                data = _path(blobs, described["digest"]).read_bytes()
                connection.put_manifest(repository, described["digest"], MANIFEST, data)
            connection.put_manifest(repository, tag, INDEX, _path(blobs, image.digest).read_bytes())
            if connection.manifest_digest(repository, tag) != image.digest:
                raise LabImageError(f"The mirror {self._address} answers for {image.name} with another digest")
        return image


def _path(blobs: Path, digest: str) -> Path:
    return blobs / digest.removeprefix("sha256:")


def _read(blobs: Path, digest: str) -> dict[str, Any]:
    return json.loads(_path(blobs, digest).read_bytes())
