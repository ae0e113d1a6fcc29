"""Small images made for tests."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.manifests import (
    OCI_INDEX,
    OCI_MANIFEST,
    Manifest,
    digest_of,
)

CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


class SampleImage:
    """An index with one manifest for each architecture; all share one layer."""

    def __init__(self, layer: bytes = b"layer" * 1000, architectures: tuple[str, ...] = ("amd64",)) -> None:
        self.blobs: dict[str, bytes] = {digest_of(layer): layer}
        self.layer = layer
        self.parts = [self._part(layer, architecture) for architecture in architectures]
        platforms = [{"os": "linux", "architecture": architecture} for architecture in architectures]
        entries = [
            {"mediaType": OCI_MANIFEST, "digest": part.digest, "size": len(part.raw), "platform": platform}
            for part, platform in zip(self.parts, platforms, strict=True)
        ]
        # Blanks and an unknown key: whoever writes the index anew changes its digest.
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries, "x": 1}
        self.index = Manifest.of(json.dumps(document, indent=3).encode())

    @property
    def manifests(self) -> list[Manifest]:
        """All manifests, the index last."""
        return [*self.parts, self.index]

    def write(self, directory: Path, name: str = "example.com/app:1") -> Layout:
        """Write the image as a layout."""
        layout = Layout.create(directory)
        for data in [*self.blobs.values(), *(manifest.raw for manifest in self.manifests)]:
            layout.write(data, digest_of(data))
        layout.name(self.index, name.rpartition(":")[2], name)
        return layout

    def _part(self, layer: bytes, architecture: str) -> Manifest:
        rootfs = {"type": "layers", "diff_ids": [digest_of(layer)]}
        config = json.dumps({"os": "linux", "architecture": architecture, "config": {}, "rootfs": rootfs}).encode()
        self.blobs[digest_of(config)] = config
        document = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": CONFIG, "digest": digest_of(config), "size": len(config)},
            "layers": [{"mediaType": LAYER, "digest": digest_of(layer), "size": len(layer)}],
        }
        return Manifest.of(json.dumps(document).encode())


def layer_of(content: bytes) -> bytes:
    """A real layer: an archive with one file of this content."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        member = tarfile.TarInfo("content")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return file.getvalue()
