# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manifests and indexes, of OCI and of Docker: their media types and what they point to.

Source: OCI image specification (manifest.md, image-index.md), Docker image manifest version 2, schema 2.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import ImageError

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEXES = frozenset({OCI_INDEX, DOCKER_INDEX})
MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
ACCEPT = ", ".join([OCI_INDEX, DOCKER_INDEX, OCI_MANIFEST, DOCKER_MANIFEST])
# Types of which a manifest may be, like anything else
_ANY = frozenset({"", "application/json", "application/octet-stream", "binary/octet-stream", "text/plain"})


@dataclass(frozen=True)
class Descriptor:
    """What points to a blob or manifest: media type, digest, size in bytes, and platform and annotations if given."""

    media_type: str
    digest: str
    size: int
    platform: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Descriptor:
        """Return the descriptor of a JSON object. Raises ImageError."""
        try:
            return cls(
                str(document.get("mediaType") or ""),
                str(document["digest"]),
                int(document["size"]),
                _texts(document.get("platform") or {}),
                _texts(document.get("annotations") or {}),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise ImageError("a manifest points to something without digest and size") from None


@dataclass(frozen=True)
class Manifest:
    """A manifest or index as the very bytes that its digest stands for; they are never written anew."""

    media_type: str
    digest: str
    raw: bytes = field(repr=False)

    @classmethod
    def of(cls, raw: bytes, media_type: str = "") -> Manifest:
        """Return the manifest with its digest computed. Raises ImageError for what is no image manifest."""
        try:
            document = json.loads(raw)
            media_type = str(document.get("mediaType") or _said_or_seen(media_type, document))
        except (ValueError, AttributeError, RecursionError):
            raise ImageError("a manifest is no JSON object") from None
        if media_type not in INDEXES | MANIFESTS:
            raise ImageError(f"a manifest of the type {media_type or 'none'} is no image of Docker or OCI")
        return cls(media_type, digest_of(raw), raw)

    @property
    def is_index(self) -> bool:
        return self.media_type in INDEXES

    def descriptor(self) -> Descriptor:
        """Return what points to this manifest."""
        return Descriptor(self.media_type, self.digest, len(self.raw))

    def children(self) -> list[Descriptor]:
        """Return the manifests of an index, [] for a manifest."""
        return self._listed("manifests")

    def blobs(self) -> list[Descriptor]:
        """Return config and layers of a manifest, each once, [] for an index."""
        found = [*([self.config()] if self._document().get("config") else []), *self.layers()]
        return list({blob.digest: blob for blob in found}.values())

    def layers(self) -> list[Descriptor]:
        """Return the layers of a manifest in their order, lowest first; one may come twice."""
        return self._listed("layers")

    def config(self) -> Descriptor:
        """Return the config of a manifest. Raises ImageError for an index."""
        document = self._document()
        if not document.get("config"):
            raise ImageError(f"the manifest {self.digest} has no config")
        return Descriptor.from_json(document["config"])

    def _listed(self, key: str) -> list[Descriptor]:
        items = self._document().get(key) or []
        if not isinstance(items, list):
            raise ImageError(f"the {key} of the manifest {self.digest} are no list")
        return [Descriptor.from_json(item) for item in items]

    def _document(self) -> dict[str, Any]:
        return json.loads(self.raw)


def _said_or_seen(header: str, document: Mapping[str, Any]) -> str:
    """Return the type of a manifest that does not name its own, as OCI's need not: from the header, or its form.

    Proxies and storage behind a registry have no header for it, or one of all JSON or all bytes.
    """
    said = header.partition(";")[0].strip().lower()
    if said not in _ANY or document.get("schemaVersion") != 2:
        return said
    if "config" in document and "layers" in document:
        return OCI_MANIFEST
    return OCI_INDEX if "manifests" in document else said


def _texts(fields: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if isinstance(value, str)}


def digest_of(data: bytes) -> str:
    """Return the sha256 digest of bytes as registries write it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
