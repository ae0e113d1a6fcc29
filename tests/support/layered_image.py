"""An image of several layers, pushed to a registry."""

from __future__ import annotations

import gzip
import io
import json
import platform
import tarfile
from typing import TypeAlias

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.manifests import (
    OCI_MANIFEST,
    Descriptor,
    Manifest,
    digest_of,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.uploads import push_blob

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
Entry: TypeAlias = "bytes | str | None"  # a file's bytes, the target of a symbolic link, or a folder


def layer(entries: dict[str, Entry], hard_links: dict[str, str] | None = None) -> bytes:
    """A layer as builders make it: gzip'd tar."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, entry in entries.items():
            member = tarfile.TarInfo(name)
            if entry is None:
                member.type = tarfile.DIRTYPE
            elif isinstance(entry, str):
                member.type, member.linkname = tarfile.SYMTYPE, entry
            else:
                member.size = len(entry)
            archive.addfile(member, io.BytesIO(entry) if isinstance(entry, bytes) else None)
        for name, target in (hard_links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.LNKTYPE, target
            archive.addfile(member)
    return gzip.compress(file.getvalue(), mtime=0)


def push(host: str, repository: str, tag: str, layers: list[bytes], architecture: str = "amd64") -> str:
    """Push an image of these layers, the lowest first, and return its digest."""
    registry = Registry(host)
    config = json.dumps({"os": "linux", "architecture": architecture, "rootfs": {"type": "layers"}}).encode()
    for data in (config, *layers):
        blob = Descriptor("", digest_of(data), len(data))
        push_blob(registry, repository, blob, lambda data=data: io.BytesIO(data))  # type: ignore[misc]
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _descriptor("application/vnd.oci.image.config.v1+json", config),
        "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar+gzip", data) for data in layers],
    }
    manifest = Manifest.of(json.dumps(document).encode())
    registry.put_manifest(repository, tag, manifest)
    return manifest.digest


def _descriptor(media_type: str, data: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}
