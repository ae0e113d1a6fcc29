"""Images to copy: random bytes, so that nothing compresses; sizes and shared layers as a site has them."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.copy import push_layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.manifests import (
    OCI_MANIFEST,
    Manifest,
    digest_of,
)

CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
BASE = 500_000
# Bytes of each image's own layer: Go programs mostly, and some larger ones
SIZES = (2_500_000,) * 34 + (10_000_000,) * 6


def layer(size: int) -> bytes:
    """A layer with one file of random bytes."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        member = tarfile.TarInfo(f"data-{size}")
        member.size = size
        archive.addfile(member, io.BytesIO(os.urandom(size)))
    return file.getvalue()


def stock(host: str, scratch: Path, sizes: tuple[int, ...]) -> tuple[list[str], int]:
    """Fill a registry; return the images' repositories (tag 1) and the bytes that they have together."""
    registry, base, total = Registry(host), layer(BASE), BASE
    repositories = []
    for number, size in enumerate(sizes):
        layout = Layout.create(scratch / str(number))
        layers = [base, layer(size)]
        manifest = _image(layout, layers)
        repository = f"gcr.io/bench/{scratch.name}{number}"
        layout.name(manifest, "1", f"{repository}:1")
        push_layout(layout, "", registry, Reference(host, repository, "1"))
        repositories.append(repository)
        total += len(layers[1])
    return repositories, total


def _image(layout: Layout, layers: list[bytes]) -> Manifest:
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(data) for data in layers]},
        }
    ).encode()
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": CONFIG, "digest": digest_of(config), "size": len(config)},
        "layers": [{"mediaType": LAYER, "digest": digest_of(data), "size": len(data)} for data in layers],
    }
    manifest = Manifest.of(json.dumps(document).encode())
    for data in [*layers, config, manifest.raw]:
        layout.write(data, digest_of(data))
    return manifest
