# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one image at one registry is: digest, architectures, and the bytes that a node of them downloads."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from ..errors import Reason
from ..reference.reference import Reference
from ..registry.blobs import read_blob
from ..registry.client import Registry
from ..registry.manifests import Manifest
from .lock import Locked, LockedPart

_SYSTEM = "linux"


@dataclass(frozen=True)
class Inspected:
    """Digest of the topmost manifest, the architectures looked at, and the bytes of their configs and layers.

    `size` counts what architectures share once; `parts` has each one's own manifest and bytes.
    """

    digest: str
    architectures: tuple[str, ...]
    size: int
    parts: Mapping[str, LockedPart] = field(default_factory=dict)


def inspect(registry: Registry, reference: Reference, architectures: Collection[str]) -> Inspected:
    """Ask for an image and everything that tells whether these architectures can run it.

    Raises RegistryError; reason PLATFORM where an architecture is missing. Two small requests, no layer.
    """
    top = registry.manifest(reference.repository, reference.version)
    parts = _parts(registry, reference.repository, top)
    missing = sorted(set(architectures) - set(parts))
    if missing:
        has = ", ".join(sorted(parts)) or "none"
        raise registry.error(Reason.PLATFORM, f"it has no {', '.join(missing)} for {_SYSTEM}, only {has}")
    wanted = sorted(architectures or parts)
    blobs = {blob.digest: blob.size for name in wanted for blob in parts[name].blobs()}
    locked = {name: LockedPart(parts[name].digest, _bytes(parts[name])) for name in wanted}
    return Inspected(top.digest, tuple(wanted), sum(blobs.values()), locked)


def confirm(registry: Registry, reference: Reference, locked: Locked, architectures: Collection[str]) -> Inspected:
    """Ask with one request whether a registry has a locked image; what it is stands in the lock.

    Raises RegistryError; reason DIGEST where the registry has another image under the same tag.
    """
    repository = reference.repository
    if registry.has_manifest(repository, locked.digest) != locked.digest:
        other = registry.has_manifest(repository, reference.tag) if reference.tag else ""
        if other:
            raise registry.error(
                Reason.DIGEST, f"{repository}:{reference.tag} is {other}, the lock says {locked.digest}"
            )
        raise registry.error(Reason.NOT_FOUND, f"it does not have {repository}@{locked.digest}, which the lock says")
    wanted = sorted(architectures or locked.platforms)
    parts = {name: locked.platforms[name] for name in wanted}
    return Inspected(locked.digest, tuple(wanted), sum(part.size for part in parts.values()), parts)


def _bytes(manifest: Manifest) -> int:
    return sum(blob.size for blob in manifest.blobs())


def _platform(config: bytes) -> tuple[str, str]:
    """Return system and architecture of an image's config; nothing of what is none, such as that of a chart."""
    try:
        document = json.loads(config)
        return str(document.get("os")), str(document.get("architecture") or "")
    except (ValueError, AttributeError, RecursionError):
        return "", ""


def _parts(registry: Registry, repository: str, top: Manifest) -> dict[str, Manifest]:
    """Return the manifests for Linux by architecture, the first of several variants."""
    if not top.is_index:
        system, architecture = _platform(read_blob(registry, repository, top.config()))
        return {architecture: top} if system == _SYSTEM else {}
    found: dict[str, Manifest] = {}
    for child in top.children():
        architecture = child.platform.get("architecture", "")
        if child.platform.get("os") == _SYSTEM and architecture not in found:
            found[architecture] = registry.manifest(repository, child.digest)
    return found
