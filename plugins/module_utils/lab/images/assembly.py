# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts layers together to an image: config, manifest, and an index on top, as the images of the releases have it.

The result is an OCI image layout (OCI image specification, image-layout.md) on disk.
"""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...images.layout.layout import Layout
from ...images.registry.manifests import OCI_INDEX, OCI_MANIFEST, Manifest, digest_of
from .layer_file import LayerBlob

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
    """Write an image layout into an empty directory; layers are linked, the lowest first."""
    layout = Layout.create(directory)
    for layer in layers:
        os.link(layer.path, layout.path(layer.digest))
    platform = {"architecture": architecture, "os": "linux"}
    container = _write(
        layout,
        _CONFIG,
        {
            **platform,
            "created": _EPOCH,
            "config": dict(config),
            "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        },
    )
    described = [{"mediaType": _LAYER, "digest": layer.digest, "size": layer.size} for layer in layers]
    manifest = _write(layout, OCI_MANIFEST, {**_typed(OCI_MANIFEST), "config": container, "layers": described})
    index = {**_typed(OCI_INDEX), "manifests": [{**manifest, "platform": platform}]}
    written = _write(layout, OCI_INDEX, index)
    layout.name(Manifest.of(_dump(index)), name.rpartition(":")[2], name)
    return AssembledImage(written["digest"], sum(part["size"] for part in (*described, container, manifest, written)))


def write_archive(directory: Path, archive: Path) -> None:
    """Write an image layout as one tar file, for `ctr images import`."""
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(directory.rglob("*")):
            info = tar.gettarinfo(path, str(path.relative_to(directory)))
            info.mtime, info.uid, info.gid, info.uname, info.gname = 0, 0, 0, "", ""
            if path.is_file():
                # A blob shared with other images is a hard link on disk; in the archive it is a file of its own.
                info.type, info.linkname, info.size = tarfile.REGTYPE, "", path.stat().st_size
                with path.open("rb") as content:
                    tar.addfile(info, content)
            else:
                tar.addfile(info)


def _write(layout: Layout, media_type: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """Write a JSON blob and return its descriptor."""
    data = _dump(document)
    digest = digest_of(data)
    layout.write(data, digest)
    return {"mediaType": media_type, "digest": digest, "size": len(data)}


def _typed(media_type: str) -> dict[str, Any]:
    """Return the fields with which every manifest begins."""
    return {"schemaVersion": 2, "mediaType": media_type}


def _dump(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), sort_keys=True).encode()
