# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stocks the lab's mirror: each image under ``<mirror>/<original host>/<path>:<tag>``, pushed only where missing."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ...images.copy.copy import push_layout
from ...images.errors import ImageError
from ...images.layout.layout import Layout
from ...images.reference.reference import Reference
from ...images.registry.client import Registry
from ..report import Report
from .errors import LabImageError
from .store import CachedImage

# Images at a time; the time goes into hashing at the registry, on few cores.
_WORKERS = 4


class Mirror:
    """The mirror of one lab, by host and port."""

    def __init__(self, address: str, report: Report) -> None:
        self._address = address
        self._registry = Registry(address)
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

    def _digest(self, image: CachedImage) -> str:
        target = self._target(image)
        try:
            return self._registry.has_manifest(target.repository, target.tag)
        except ImageError as error:
            raise LabImageError(f"The lab's mirror cannot be asked for {image.name}: {error}") from error

    def _push(self, image: CachedImage) -> CachedImage:
        try:
            push_layout(Layout.open(image.directory), image.name, self._registry, self._target(image))
        except ImageError as error:
            raise LabImageError(f"The lab's mirror did not take {image.name}: {error}") from error
        return image

    def _target(self, image: CachedImage) -> Reference:
        # Not parsed: the repository is the original name as it stands, host included.
        repository, _colon, tag = image.name.rpartition(":")
        return Reference(self._address, repository, tag)
