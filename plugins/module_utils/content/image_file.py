# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file out of an image that comes through the image policy, locked like every image."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..images.errors import ImageError, Reason, RegistryError
from ..images.plan.choice import BACKOFF, inspected_at
from ..images.plan.inspection import Inspected
from ..images.plan.lock import Lock, Locked, extend_lock
from ..images.policy.policy import Candidate, ImagePolicy
from ..images.reference.machine import architecture_of
from ..images.reference.reference import Reference
from ..images.registry.backoff import Backoff
from ..images.registry.blobs import fetch_blob
from ..images.registry.client import Registry
from ..images.registry.clients import Clients
from ..images.registry.manifests import Manifest
from ..secret_source import SecretSourceError
from .away import Away
from .download import OTHERS_FOLLOW, Patience
from .errors import ContentError
from .layer_files import extract_file
from .store import NOTE, Store
from .transfers import Transfer

# What a registry that cannot be used now says, whatever is asked for
_AWAY = frozenset({Reason.DNS, Reason.REFUSED, Reason.BROKEN, Reason.TIMEOUT})


@dataclass(frozen=True)
class ImageAccess:
    """The image policy, and the lock file (None: there is none); `extend` says whether the lock may be written."""

    policy: ImagePolicy
    lock: Path | None = None
    extend: bool = True


class ImageFile:
    """One file of one image. An image without a digest is pinned by the lock, which trusts the first answer."""

    def __init__(self, image: str, path: str, access: ImageAccess) -> None:
        self._access = access
        self._path = path
        self.newly_locked = ""  # the digest that the lock has since this fetch
        self._architecture = architecture_of()
        try:
            self.reference = access.policy.mapped(Reference.parse(image))
        except ImageError as error:
            raise ContentError(str(error)) from error

    @property
    def is_pinned(self) -> bool:
        """Whether the image is, or will be, known by its digest."""
        return bool(self.reference.digest or self._access.lock)

    def hosts(self) -> tuple[str, ...]:
        """The registries that may have it; () where the policy names none."""
        try:
            candidates = self._access.policy.candidates(self.reference)
        except ImageError:
            return ()
        return tuple(candidate.reference.registry for candidate in candidates)

    def fetch(
        self, keep: Callable[[Path], Path], store: Store, patience: Patience, transfer: Transfer, away: Away
    ) -> Path:
        """What `keep` makes of the file. What has been kept of a locked image costs no request.

        Registries that did not answer a moment ago are asked last. Raises ContentError with the reason of each place
        that the policy names.
        """
        locked = self._locked()
        digest = locked.digest if locked else self.reference.digest
        if digest and (kept := store.noted(self.note(digest))):
            return kept
        try:
            candidates = self._access.policy.candidates(self.reference)
        except ImageError as error:
            raise ContentError(str(error)) from error
        candidates.sort(key=lambda candidate: away.knows(candidate.reference.registry))
        # A registry after which another one is asked is not waited for.
        last, others = (Clients(self._access.policy, _backoff(one)) for one in (patience, OTHERS_FOLLOW))
        said, is_limited = [], False
        for is_second in (False, True):
            if is_second:
                # Of the places of the last source none has it otherwise.
                if not (is_limited and patience.seconds and last.patience.limit):
                    break
                last.patience.begin()
                others.patience.begin()
                said = []
            for candidate in candidates:
                registry = transfer.source = candidate.reference.registry
                clients = last if candidate is candidates[-1] else others
                try:
                    inspected = inspected_at(clients, candidate.reference, [self._architecture], locked)
                    away.forget(registry)
                    return self._from(candidate, inspected, clients, keep, store, transfer)
                except (ImageError, SecretSourceError, ContentError) as error:
                    reason = error.reason if isinstance(error, RegistryError) else None
                    if reason in _AWAY:
                        away.note(registry, error.detail)
                    said.append(f"{candidate.reference}: {error}")
                    is_limited = is_limited or reason == Reason.RATE_LIMIT
        raise ContentError("; ".join(said))

    def _from(
        self,
        candidate: Candidate,
        inspected: Inspected,
        clients: Clients,
        keep: Callable[[Path], Path],
        store: Store,
        transfer: Transfer,
    ) -> Path:
        registry, repository = clients.of(candidate.reference.registry), candidate.reference.repository
        note = self.note(inspected.digest)
        # One image at a time: its files share the layers.
        layers = f"{inspected.digest.replace(':', '-')}-{self._architecture}.layers"
        with store.alone(layers):
            place = store.noted(note)
            if not place:
                place = keep(self._extracted(registry, repository, inspected, store, layers, transfer))
                store.note(note, place)
                store.done_with(layers)
        if self._access.lock and self._access.extend:
            before, after = extend_lock(
                self._access.lock, {str(self.reference): Locked(inspected.digest, inspected.parts)}
            )
            self.newly_locked = inspected.digest if before != after else ""
        return place

    def _extracted(
        self,
        registry: Registry,
        repository: str,
        inspected: Inspected,
        store: Store,
        layers: str,
        transfer: Transfer,
    ) -> Path:
        """The file, in the folder of the image's layers."""
        directory = store.directory / layers
        directory.mkdir(exist_ok=True)
        manifest = registry.manifest(repository, inspected.parts[self._architecture].digest)
        extract_file(_layers(registry, repository, manifest, directory, transfer), self._path, directory / "file")
        return directory / "file"

    def _locked(self) -> Locked | None:
        if not self._access.lock:
            return None
        try:
            return Lock.read(self._access.lock).images.get(str(self.reference))
        except ImageError as error:
            raise ContentError(str(error)) from error

    def note(self, digest: str) -> str:
        """The name under which the store notes the checksum of this file of this image."""
        key = f"{digest} {self._architecture} {self._path}"
        return f"{hashlib.sha256(key.encode()).hexdigest()[:32]}{NOTE}"


def _backoff(patience: Patience) -> Backoff:
    if patience.others_follow:
        return Backoff(
            attempts=1,
            longest_pause=patience.longest_pause,
            connect_timeout=patience.connect,
            read_timeout=patience.silence,
            patience=0.0,
        )
    return replace(BACKOFF, patience=patience.seconds)


def _layers(
    registry: Registry, repository: str, manifest: Manifest, directory: Path, transfer: Transfer
) -> Iterator[Path]:
    """The layers' files, the topmost first, each fetched when it is asked for."""

    def moved(count: int) -> None:
        transfer.moved += count

    for blob in reversed(manifest.layers()):
        target = directory / blob.digest.replace(":", "-")
        transfer.expected, transfer.moved = blob.size, 0
        if not target.exists():
            fetch_blob(registry, repository, blob, target, moved)
        yield target
