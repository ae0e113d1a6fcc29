# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts layers together to an image: config, manifest, and an index on top, as the images of the releases have it.

The result is an OCI image layout (OCI image specification, image-layout.md) on disk.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .layer_file import LayerBlob

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class AssembledImage:
    """An image layout on disk: the digest of its index and the bytes of all its blobs together."""

    digest: str
    size: int


def assemble(
    directory: Path, name: str, architecture: str, config: Mapping[str, Any], layers: Sequence[LayerBlob]
) -> AssembledImage:
    """Write an image layout into an empty directory; layers are linked, the lowest first.

    The index in the layout names the image twice: by tag for OCI tools, by its full name for containerd.
    """
    blobs = _Blobs(directory / "blobs" / "sha256")
    for layer in layers:
        blobs.link(layer)
    platform = {"architecture": architecture, "os": "linux"}
    container = blobs.json(
        _CONFIG,
        {
            **platform,
            "created": _EPOCH,
            "config": dict(config),
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        },
    )
    described = [{"mediaType": _LAYER, "digest": layer.digest, "size": layer.size} for layer in layers]
    manifest = blobs.json(MANIFEST, {**_typed(MANIFEST), "config": container, "layers": described})
    index = blobs.json(INDEX, {**_typed(INDEX), "manifests": [{**manifest, "platform": platform}]})
    names = {"org.opencontainers.image.ref.name": name.rpartition(":")[2], "io.containerd.image.name": name}
    (directory / "index.json").write_bytes(_dump({**_typed(INDEX), "manifests": [{**index, "annotations": names}]}))
    (directory / "oci-layout").write_bytes(_dump({"imageLayoutVersion": "1.0.0"}))
    return AssembledImage(index["digest"], blobs.size)


def write_archive(directory: Path, archive: Path) -> None:
    """Write an image layout as one tar file, for `ctr images import`."""
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(directory.rglob("*")):
            info = tar.gettarinfo(path, str(path.relative_to(directory)))
            # A blob shared with other images is a hard link on disk; in the archive it is a file of its own.
            info.mtime, info.uid, info.gid, info.uname, info.gname = 0, 0, 0, "", ""
            if path.is_file():
                info.type, info.linkname, info.size = tarfile.REGTYPE, "", path.stat().st_size
                with path.open("rb") as content:
                    tar.addfile(info, content)
            else:
                tar.addfile(info)


class _Blobs:
    """The blobs of a layout being written."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True)
        self._directory = directory
        self.size = 0

    def link(self, layer: LayerBlob) -> None:
        target = self._directory / layer.digest.removeprefix("sha256:")
        if not target.exists():
            os.link(layer.path, target)
            self.size += layer.size

    def json(self, media_type: str, document: Mapping[str, Any]) -> dict[str, Any]:
        data = _dump(document)
        digest = hashlib.sha256(data).hexdigest()
        (self._directory / digest).write_bytes(data)
        self.size += len(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data)}


def _typed(media_type: str) -> dict[str, Any]:
    """Return the fields with which every manifest begins."""
    return {"schemaVersion": 2, "mediaType": media_type}


def _dump(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
