# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings images from one place to another: layout to registry, registry to registry.

What the target has is skipped; blobs move in parallel, manifests follow when all that they point to is there.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from ..layout.layout import Layout
from ..reference.reference import Reference
from ..registry.blobs import Progress, fetch_blob, has_blob
from ..registry.client import Registry
from ..registry.manifests import Descriptor, Manifest
from ..registry.uploads import Mount, mount_blob, push_blob

WORKERS = 4  # blobs at a time for one image


@dataclass(frozen=True)
class Copied:
    """What a copy did: the image's digest, whether the target lacked it, blobs and bytes that moved, blobs skipped."""

    digest: str
    changed: bool
    blobs: int = 0
    bytes: int = 0
    skipped: int = 0


class Source(Protocol):
    """Where an image comes from."""

    def has(self, descriptor: Descriptor) -> bool:
        """Return whether a manifest of an index is there; an index may be kept for some architectures alone."""

    def manifest(self, descriptor: Descriptor) -> Manifest:
        """Return a manifest of the image, verified."""

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """Open a blob of the image for reading."""


class RegistrySource:
    """An image in a registry; blobs pass through a temporary file, verified."""

    def __init__(self, registry: Registry, repository: str) -> None:
        self.registry = registry
        self.repository = repository

    def has(self, descriptor: Descriptor) -> bool:
        """See Source."""
        return True

    def manifest(self, descriptor: Descriptor) -> Manifest:
        """See Source."""
        return self.registry.manifest(self.repository, descriptor.digest)

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """See Source."""
        with tempfile.TemporaryDirectory(prefix="serverless-blob-") as directory:
            target = Path(directory, "blob")
            fetch_blob(self.registry, self.repository, descriptor, target)
            return target.open("rb")  # stays readable after the directory is gone


def push_layout(
    layout: Layout, name: str, registry: Registry, target: Reference, progress: Progress = lambda count: None
) -> Copied:
    """Bring an image of a layout (by tag or full name; '' for the only one) into a registry under the target's tag.

    The registry of `target` is not looked at: `registry` decides where it goes.
    """
    image = layout.find(name)
    registry.be_patient()
    return push(layout, layout.manifest(image), registry, target, progress)


def copy_image(
    source: Registry, origin: Reference, registry: Registry, target: Reference, progress: Progress = lambda count: None
) -> Copied:
    """Bring an image from one registry to another, or to another repository of the same."""
    manifest = source.manifest(origin.repository, origin.version)
    return push(RegistrySource(source, origin.repository), manifest, registry, target, progress)


def push(
    source: Source,
    manifest: Manifest,
    registry: Registry,
    target: Reference,
    progress: Progress = lambda count: None,
    elsewhere: dict[str, str] | None = None,
) -> Copied:
    """Bring an image, given by its topmost manifest, into a registry. With nothing to do this is one request.

    `elsewhere` tells repositories of the same registry by the digests of blobs that they hold; it is added to.
    """
    if registry.has_manifest(target.repository, target.tag or manifest.digest) == manifest.digest:
        return Copied(manifest.digest, changed=False)
    run = _Push(source, registry, target.repository, progress, {} if elsewhere is None else elsewhere)
    return run.run(manifest, target.tag or manifest.digest)


class _Push:
    """One image on its way into one repository."""

    def __init__(
        self, source: Source, registry: Registry, repository: str, progress: Progress, elsewhere: dict[str, str]
    ) -> None:
        self._source = source
        self._registry = registry
        self._repository = repository
        self._progress = progress
        self._elsewhere = elsewhere
        self._lock = threading.Lock()
        self._pushed: list[int] = []
        self._skipped = 0

    def run(self, manifest: Manifest, version: str) -> Copied:
        # An index may hold an index; what is nested deepest goes first.
        parts = self._parts(manifest)
        blobs = {blob.digest: blob for part in parts for blob in part.blobs()}
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(self._bring, blobs.values()))
        for part in parts[:-1]:
            self._registry.put_manifest(self._repository, part.digest, part)
        self._registry.put_manifest(self._repository, version, manifest)
        return Copied(manifest.digest, True, len(self._pushed), sum(self._pushed), self._skipped)

    def _parts(self, manifest: Manifest) -> list[Manifest]:
        children = [child for child in manifest.children() if self._source.has(child)]
        parts = [part for child in children for part in self._parts(self._source.manifest(child))]
        return [*parts, manifest]

    def _bring(self, blob: Descriptor) -> None:
        there = has_blob(self._registry, self._repository, blob.digest)
        mount = Mount(True) if there else self._mounted(blob)
        if mount.done:
            with self._lock:
                self._skipped += 1
        else:
            push_blob(self._registry, self._repository, blob, self._opener(blob), self._progress, mount.session)
            with self._lock:
                self._pushed.append(blob.size)
        self._elsewhere.setdefault(blob.digest, self._repository)

    def _mounted(self, blob: Descriptor) -> Mount:
        source = self._source
        repository = self._elsewhere.get(blob.digest)
        if isinstance(source, RegistrySource) and source.registry.host == self._registry.host:
            repository = source.repository
        if not repository or repository == self._repository:
            return Mount(False)
        return mount_blob(self._registry, self._repository, blob.digest, repository)

    def _opener(self, blob: Descriptor) -> Callable[[], BinaryIO]:
        return lambda: self._source.open_blob(blob)
