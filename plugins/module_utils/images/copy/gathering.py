# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The blobs of many images into one layout: each once, the largest first; an image is told as soon as it is there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from ..errors import ImageError
from ..layout.layout import Layout
from ..progress import Progress
from ..registry.blobs import fetch_blob
from ..registry.manifests import Descriptor, Manifest
from .host_queue import Job
from .pieces import PIECE, Origin, SplitBlob


@dataclass(frozen=True)
class Resolved:
    """An image whose manifests are in the layout, and where its blobs are."""

    name: str
    top: Manifest
    origin: Origin
    blobs: tuple[Descriptor, ...]


class Gathering:
    """What is still to come of the blobs of some images. Thread-safe."""

    def __init__(
        self, images: Iterable[Resolved], layout: Layout, progress: Progress, complete: Callable[[Resolved], None]
    ) -> None:
        """`complete` is called for an image when all of it is in the layout, from the thread that brought the last."""
        self._layout = layout
        self._progress = progress
        self._complete = complete
        self._lock = threading.Lock()
        self._images = list(images)
        self._left: dict[str, set[str]] = {}
        self._waiting: dict[str, list[Resolved]] = {}
        self.failures: dict[str, str] = {}  # the reason why an image cannot be had, by name
        self.blobs = 0

    def jobs(self) -> list[Job]:
        """Tell the images that are complete already, and return what brings the others."""
        missing: dict[str, tuple[Descriptor, Origin]] = {}
        for image in self._images:
            lacking = [blob for blob in image.blobs if not self._layout.has(blob)]
            missing.update({blob.digest: (blob, image.origin) for blob in lacking})
            self._left[image.name] = {blob.digest for blob in lacking}
            for blob in lacking:
                self._waiting.setdefault(blob.digest, []).append(image)
        for image in self._images:
            if not self._left[image.name]:
                self._complete(image)
        self._progress.expect(sum(blob.size for blob, _origin in missing.values()))
        # What is largest takes longest, so it begins first.
        order = sorted(missing.values(), key=lambda pair: -pair[0].size)
        return [job for blob, origin in order for job in self._of_blob(blob, origin)]

    def _of_blob(self, blob: Descriptor, origin: Origin) -> list[Job]:
        target = self._layout.path(blob.digest)
        if blob.size <= 2 * PIECE:

            def fetch() -> bool:
                fetch_blob(origin.registry, origin.repository, blob, target, self._progress.moved)
                return True

            return [self._job(blob, origin, fetch)]
        split = SplitBlob(origin, blob, target, self._progress.moved)
        return [self._job(blob, origin, lambda span=span: split.fetch(span)) for span in split.spans]

    def _job(self, blob: Descriptor, origin: Origin, fetch: Callable[[], bool]) -> Job:
        def run() -> None:
            try:
                if fetch():
                    self._landed(blob, "")
            except ImageError as error:
                self._landed(blob, str(error))

        return Job(origin.registry.host, run)

    def _landed(self, blob: Descriptor, reason: str) -> None:
        """Note that a blob is there, or why it is not, for all images that wait for it."""
        with self._lock:
            self.blobs += not reason
            waiting, complete = self._waiting.pop(blob.digest), []
            for image in waiting:
                self._left[image.name].discard(blob.digest)
                if reason:
                    self.failures.setdefault(image.name, reason)
                elif not self._left[image.name] and image.name not in self.failures:
                    complete.append(image)
        for image in complete:
            self._complete(image)
