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
from dataclasses import dataclass, field, replace

from ..errors import ImageError, Reason
from ..layout.layout import Layout
from ..layout.locking import locked
from ..progress import PERIOD, Progress, progress_text
from ..reference.reference import Reference
from ..registry.client import Registry
from ..registry.clients import Clients
from ..registry.cooldown import HINT
from ..registry.manifests import Descriptor, Manifest
from .gathering import Gathering, Resolved
from .host_queue import Job, Limits, run_jobs
from .pieces import Origin

__all__ = ["LIMITS", "FetchError", "Fetched", "Limits", "Wanted", "fetch_images", "is_complete"]

_SYSTEM = "linux"
LIMITS = Limits()


@dataclass(frozen=True)
class Wanted:
    """An image to have: the name that pods use, where it may be had, best first, its digest and architectures.

    `digest` is that of the topmost manifest, "" where unknown; `architectures` as Go names them, () for all.
    """

    name: str
    sources: tuple[Reference, ...]
    digest: str = ""
    architectures: tuple[str, ...] = ()


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


def fetch_images(
    wanted: Iterable[Wanted],
    layout: Layout,
    clients: Clients,
    limits: Limits = LIMITS,
    report: Callable[[str], None] = lambda line: None,
    period: float = PERIOD,
    ready: Callable[[Wanted], None] = lambda item: None,
) -> Fetched:
    """Have all images in the layout, named by `Wanted.name`. What is there with a known digest costs no request.

    What an earlier run left half-done is continued. Images that fail are tried once more after the others, because
    mirrors that fill themselves on demand often have them then. `ready` is called for each image when it is there,
    from any thread, but not before the manifests of all have been found. Raises FetchError after all that
    can be had is there, LayoutError if another process works in the layout for longer than `limits.lock_timeout`.
    """
    return _Fetch(layout, clients, limits, report, period, ready).run(list(wanted))


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
        self,
        layout: Layout,
        clients: Clients,
        limits: Limits,
        report: Callable[[str], None],
        period: float,
        ready: Callable[[Wanted], None],
    ) -> None:
        self._layout = layout
        self._clients = clients
        self._limits = limits
        self._report = report
        self._period = period
        self._ready = ready
        self._naming = threading.Lock()
        # Images that are there, but not told, while others are not found
        self._held: list[Wanted] = []

    def run(self, wanted: list[Wanted]) -> Fetched:
        if all(is_complete(self._layout, item) for item in wanted):
            return self._run(wanted)
        with locked(self._layout.directory, self._report, self._limits.lock_timeout):
            return self._run(wanted)

    def _run(self, wanted: list[Wanted]) -> Fetched:
        start = time.monotonic()
        # Looked at under the lock: another process may just have brought it.
        lacking = [item for item in wanted if not is_complete(self._layout, item)]
        done = Fetched({item.name: item.digest for item in wanted}, changed=bool(lacking))
        self._held = [item for item in wanted if item not in lacking]
        if not lacking:
            self._tell()
        else:
            with Progress(self._report, len(lacking), self._period, self._clients.pauses) as progress:
                first = self._pass(lacking, done, progress)
                again = [_other_source_first(item) for item in lacking if item.name in first]
                if again:
                    # No mirror has them at once, so a rate limit is waited for, an hour's too.
                    self._clients.patience.begin()
                failures = self._pass(again, done, progress)
                done.bytes = progress.bytes
            done.seconds = time.monotonic() - start
            self._report(progress_text(progress.images, len(lacking), done.bytes, done.bytes, done.seconds))
            if failures:
                hint = [HINT] if any(f"{Reason.RATE_LIMIT}:" in why for why in failures.values()) else []
                raise FetchError("\n".join([*(f"{name}: {why}" for name, why in failures.items()), *hint]))
        done.seconds = time.monotonic() - start
        return done

    def _pass(self, lacking: list[Wanted], done: Fetched, progress: Progress) -> dict[str, str]:
        """Fetch images and return why those that failed did, by name."""
        items = {item.name: item for item in lacking}
        failures: dict[str, str] = {}
        images: list[Resolved] = []
        run_jobs([self._resolving(item, item.sources, (), images, failures) for item in lacking], self._limits)
        all_found = not failures
        if all_found:
            self._tell()

        def complete(image: Resolved) -> None:
            with self._naming:
                self._layout.name(image.top, image.name.rpartition(":")[2], image.name)
                done.images[image.name] = image.top.digest
                self._held.append(items[image.name])
            progress.image_done()
            if all_found:
                self._tell()

        gathering = Gathering(images, self._layout, progress, complete)
        run_jobs(gathering.jobs(), self._limits)
        done.blobs += gathering.blobs
        return {**failures, **gathering.failures}

    def _tell(self) -> None:
        with self._naming:
            told, self._held = self._held, []
        for item in told:
            self._ready(item)

    def _resolving(
        self,
        item: Wanted,
        sources: tuple[Reference, ...],
        said: tuple[str, ...],
        images: list[Resolved],
        failures: dict[str, str],
    ) -> Job:
        """Return what has the manifests of an image in the layout, from the first source that has all of them."""

        def run() -> Job | None:
            try:
                images.append(self._manifests(item, sources[0]))
            except ImageError as error:
                reasons = (*said, str(error))
                if sources[1:]:
                    return self._resolving(item, sources[1:], reasons, images, failures)
                failures[item.name] = "; ".join(reasons)
            return None

        return Job(sources[0].registry, run)

    def _manifests(self, item: Wanted, source: Reference) -> Resolved:
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
        return Resolved(item.name, top, Origin(registry, source.repository), tuple(blobs.values()))

    def _manifest(self, registry: Registry, repository: str, child: Descriptor) -> Manifest:
        if self._layout.has(child):
            return self._layout.manifest(child)
        return registry.manifest(repository, child.digest)


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
