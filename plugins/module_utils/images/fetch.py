# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings many images at once into one OCI layout: first all manifests, then every blob once, the largest first.

An index keeps its bytes and so its digest; of what it points to, only the wanted architectures are fetched.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from .blobs import fetch_blob
from .clients import Clients
from .errors import ImageError, Reason
from .layout import Layout
from .layout_lock import locked
from .manifests import Descriptor, Manifest
from .progress import PERIOD, Progress, progress_text
from .reference import Reference
from .registry import Registry

_SYSTEM = "linux"


@dataclass(frozen=True)
class Wanted:
    """An image to have: the name that pods use, where it may be had, best first, its digest and architectures.

    `digest` is that of the topmost manifest, "" where unknown; `architectures` as Go names them, () for all.
    """

    name: str
    sources: tuple[Reference, ...]
    digest: str = ""
    architectures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Limits:
    """How many streams at a time, over all and to one host; seconds to wait for another process in the layout."""

    streams: int = 16
    per_host: int = 12
    lock_timeout: float = 1800.0


LIMITS = Limits()


@dataclass
class Fetched:
    """What was done: digests by name, whether anything was missing, blobs and bytes that moved, seconds it took."""

    images: dict[str, str] = field(default_factory=dict)
    changed: bool = False
    blobs: int = 0
    bytes: int = 0
    seconds: float = 0.0


class FetchError(ImageError):
    """Images that could not be had, each with its reasons; all others are complete."""


@dataclass(frozen=True)
class _Image:
    """An image whose manifests are in the layout, and where its blobs are."""

    wanted: Wanted
    top: Manifest
    registry: Registry
    repository: str
    blobs: tuple[Descriptor, ...]


def fetch_images(
    wanted: Iterable[Wanted],
    layout: Layout,
    clients: Clients,
    limits: Limits = LIMITS,
    report: Callable[[str], None] = lambda line: None,
    period: float = PERIOD,
) -> Fetched:
    """Have all images in the layout, named by `Wanted.name`. What is there with a known digest costs no request.

    What an earlier run left half-done is continued. Images that fail are tried once more after the others, because
    mirrors that fill themselves on demand often have them then. Raises FetchError after all that can be had is there,
    LayoutError if another process works in the layout for longer than `limits.lock_timeout`.
    """
    return _Fetch(layout, clients, limits, report, period).run(list(wanted))


def is_complete(layout: Layout, wanted: Wanted) -> bool:
    """Return whether a layout has an image of a known digest with everything that is wanted of it."""
    entry = layout.named().get(wanted.name)
    if entry is None or not wanted.digest or entry.digest != wanted.digest:
        return False
    parts = [layout.manifest(entry)]
    for part in parts:
        children = _chosen(part, wanted.architectures)
        if not all(map(layout.has, children)) or not all(map(layout.has, part.blobs())):
            return False
        parts += map(layout.manifest, children)
    return True


class _Fetch:
    """One run into one layout."""

    def __init__(
        self, layout: Layout, clients: Clients, limits: Limits, report: Callable[[str], None], period: float
    ) -> None:
        self._layout = layout
        self._clients = clients
        self._limits = limits
        self._report = report
        self._period = period
        self._naming = threading.Lock()
        self._hosts: dict[str, threading.Semaphore] = {}

    def run(self, wanted: list[Wanted]) -> Fetched:
        if all(is_complete(self._layout, item) for item in wanted):
            return self._run(wanted)
        with locked(self._layout.directory, self._report, self._limits.lock_timeout):
            return self._run(wanted)

    def _run(self, wanted: list[Wanted]) -> Fetched:
        start = time.monotonic()
        # Looked at under the lock: another process may just have brought it.
        lacking = [item for item in wanted if not is_complete(self._layout, item)]
        self._hosts = {
            source.registry: threading.Semaphore(self._limits.per_host) for item in wanted for source in item.sources
        }
        done = Fetched({item.name: item.digest for item in wanted if item not in lacking}, changed=bool(lacking))
        if lacking:
            with Progress(self._report, len(lacking), self._period) as progress:
                first = self._pass(lacking, done, progress)
                again = [_other_source_first(item) for item in lacking if item.name in first]
                failures = self._pass(again, done, progress)
                done.bytes = progress.bytes
            done.seconds = time.monotonic() - start
            self._report(progress_text(progress.images, len(lacking), done.bytes, done.bytes, done.seconds))
            if failures:
                raise FetchError("\n".join(f"{name}: {why}" for name, why in failures.items()))
        done.seconds = time.monotonic() - start
        return done

    def _pass(self, lacking: list[Wanted], done: Fetched, progress: Progress) -> dict[str, str]:
        """Fetch images and return why those that failed did, by name."""
        failures: dict[str, str] = {}
        if not lacking:
            return failures
        with ThreadPoolExecutor(self._limits.streams) as pool:
            found = list(pool.map(lambda item: self._resolve(item, failures), lacking))
            images = [image for image in found if image]
            wanted = {blob.digest: (blob, image) for image in images for blob in image.blobs}
            # What is largest takes longest, so it begins first.
            order = sorted(wanted.values(), key=lambda pair: -pair[0].size)
            missing = [(blob, image) for blob, image in order if not self._layout.has(blob)]
            progress.expect(sum(blob.size for blob, _image in missing))
            digests = [blob.digest for blob, _image in missing]
            why = dict(zip(digests, pool.map(self._blob(progress), missing), strict=True))
        done.blobs += sum(not reason for reason in why.values())
        for image in images:
            reasons = [why[blob.digest] for blob in image.blobs if why.get(blob.digest)]
            if reasons:
                failures[image.wanted.name] = reasons[0]
                continue
            name = image.wanted.name
            self._layout.name(image.top, name.rpartition(":")[2], name)
            done.images[name] = image.top.digest
            progress.image_done()
        return failures

    def _resolve(self, item: Wanted, failures: dict[str, str]) -> _Image | None:
        """Have the manifests of an image in the layout, from the first source that has all of them."""
        said = []
        for source in item.sources:
            try:
                with self._hosts[source.registry]:
                    return self._manifests(item, source)
            except ImageError as error:
                said.append(str(error))
        failures[item.name] = "; ".join(said)
        return None

    def _manifests(self, item: Wanted, source: Reference) -> _Image:
        registry = self._clients.of(source.registry)
        top = registry.manifest(source.repository, item.digest or source.version)
        parts = [top]
        for part in parts:
            children = _chosen(part, item.architectures)
            if part.is_index and not children:
                raise registry.error(Reason.PLATFORM, f"it has no {', '.join(item.architectures)} for {_SYSTEM}")
            parts += [self._manifest(registry, source.repository, child) for child in children]
        for part in parts:
            self._layout.write(part.raw, part.digest)
        blobs = {blob.digest: blob for part in parts for blob in part.blobs()}
        return _Image(item, top, registry, source.repository, tuple(blobs.values()))

    def _manifest(self, registry: Registry, repository: str, child: Descriptor) -> Manifest:
        if self._layout.has(child):
            return self._layout.manifest(child)
        return registry.manifest(repository, child.digest)

    def _blob(self, progress: Progress) -> Callable[[tuple[Descriptor, _Image]], str]:
        def fetch(pair: tuple[Descriptor, _Image]) -> str:
            """Fetch one blob and return why it failed, '' when it is there."""
            blob, image = pair
            try:
                with self._hosts[image.registry.host]:
                    target = self._layout.path(blob.digest)
                    fetch_blob(image.registry, image.repository, blob, target, progress.moved)
            except ImageError as error:
                return str(error)
            return ""

        return fetch


def _other_source_first(item: Wanted) -> Wanted:
    return replace(item, sources=item.sources[1:] + item.sources[:1])


def _chosen(manifest: Manifest, architectures: tuple[str, ...]) -> list[Descriptor]:
    """Return the children of an index that run on Linux on one of the architectures; () stands for all children."""
    children = manifest.children()
    if not architectures:
        return children
    return [
        child
        for child in children
        if child.platform.get("os") == _SYSTEM and child.platform.get("architecture") in architectures
    ]
