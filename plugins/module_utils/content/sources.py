# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From one content item to its documents: found, verified by checksum, rendered where a tool must."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..content import download
from .checksum import sha256_of, verify
from .errors import ContentError
from .go_module import module_directory
from .loading import load_documents, parse_documents
from .program_archive import program_of
from .tools import istio_manifest, istioctl_version, kustomize

KINDS = ("manifests", "kustomize", "istioctl")
SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Source:
    """A verified source: `place` on disk, `label` for people, `digest` of what is there."""

    item: dict[str, Any]
    place: Path
    label: str
    digest: str


def locate(item: dict[str, Any], cache: Path | None = None) -> Source:
    """Find and verify one content item; nothing is parsed yet. Raises ContentError."""
    kind = item.get("kind") or "manifests"
    if kind not in KINDS:
        raise ContentError(f"content kind '{kind}' is unknown; there are {', '.join(KINDS)}")
    if kind == "istioctl":
        return _locate_istioctl(item, cache)
    given = [key for key in ("url", "go_module") if item.get(key)]
    if len(given) > 1 or not (given or item.get("path")):
        raise ContentError(f"content item {item} must have one of path, url, go_module")
    if item.get("url"):
        return _download(item, cache)
    if item.get("go_module"):
        place = module_directory(item["go_module"]) / (item.get("path") or "")
        label = f"{item['go_module']}/{item.get('path') or ''}".rstrip("/")
    else:
        place = Path(item["path"]).expanduser()
        label = str(place)
    if not place.exists():
        raise ContentError(f"{label}: there is no {place}")
    return Source(item, place, label, verify(place, item.get("sha256"), label))


def documents_of(source: Source) -> list[Any]:
    """The documents of a verified source. Raises ContentError or ValueError."""
    kind = source.item.get("kind") or "manifests"
    if kind == "istioctl":
        return parse_documents(istio_manifest(str(source.place), source.item.get("values") or {}), source.label)
    if kind == "kustomize":
        directory = source.place / (source.item.get("build") or "")
        return parse_documents(kustomize(source.item.get("kubectl") or "kubectl", directory), source.label)
    if source.place.is_dir():
        files = sorted(file for file in source.place.rglob("*") if file.suffix in SUFFIXES and file.is_file())
        if not files:
            raise ContentError(f"{source.label} holds no YAML file")
        return [document for file in files for document in load_documents(file)]
    return load_documents(source.place)


def _download(item: dict[str, Any], cache: Path | None) -> Source:
    urls = [item["url"]] if isinstance(item["url"], str) else list(item["url"])
    place = download.fetch(urls, item.get("sha256"), cache)
    return Source(item, place, urls[0], item["sha256"].lower())


def _locate_istioctl(item: dict[str, Any], cache: Path | None) -> Source:
    if item.get("url"):
        archive = _download(item, cache)
        return replace(archive, place=program_of(archive.place, "istioctl"))
    named = item.get("path") or "istioctl"
    found = shutil.which(str(Path(named).expanduser()))
    if found is None:
        raise ContentError(f"istioctl: there is no program {named}")
    place = Path(found)
    if item.get("sha256"):
        return Source(item, place, named, verify(place, item["sha256"], named))
    if not item.get("version"):
        raise ContentError(
            f"{named} needs its version or sha256; it says it is\n  version: {istioctl_version(found)!r}\n"
            f"and has\n  sha256: {sha256_of(place)}"
        )
    actual = istioctl_version(found)
    if actual != str(item["version"]):
        raise ContentError(f"{named} is version {actual!r}, not {item['version']!r}")
    stat = place.stat()  # enough to notice another binary, without reading a hundred megabytes in every run
    return Source(item, place, named, f"{actual}-{stat.st_size}-{stat.st_mtime_ns}")
