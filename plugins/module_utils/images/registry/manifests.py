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
                dict(document.get("platform") or {}),
                dict(document.get("annotations") or {}),
            )
        except (KeyError, TypeError, ValueError):
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
            media_type = document.get("mediaType") or media_type.partition(";")[0].strip()
        except (ValueError, AttributeError):
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
        return [Descriptor.from_json(item) for item in self._document().get("manifests") or []]

    def blobs(self) -> list[Descriptor]:
        """Return config and layers of a manifest, each once, [] for an index."""
        document = self._document()
        items = [document["config"]] if document.get("config") else []
        found = [Descriptor.from_json(item) for item in items + list(document.get("layers") or [])]
        return list({blob.digest: blob for blob in found}.values())

    def layers(self) -> list[Descriptor]:
        """Return the layers of a manifest in their order, lowest first; one may come twice."""
        return [Descriptor.from_json(item) for item in self._document().get("layers") or []]

    def config(self) -> Descriptor:
        """Return the config of a manifest. Raises ImageError for an index."""
        document = self._document()
        if not document.get("config"):
            raise ImageError(f"the manifest {self.digest} has no config")
        return Descriptor.from_json(document["config"])

    def _document(self) -> dict[str, Any]:
        return json.loads(self.raw)


def digest_of(data: bytes) -> str:
    """Return the sha256 digest of bytes as registries write it."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
