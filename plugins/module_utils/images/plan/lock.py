# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock: what each reference stood for when it was first resolved. Mirrors are then trusted for bytes alone.

A YAML file, one entry for each image by its name after the exact map: the digest of its topmost manifest, and digest
and size (bytes of config and layers) for each architecture. Below `chosen` it has, by context, the place that stands in
manifests for each image that has several: it stays while it serves, so that workloads are not rolled over to and fro.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

try:
    import yaml
except ImportError:  # its absence shows when a lock is read
    yaml = None  # type: ignore[assignment]

from ...plain_yaml import load_plain
from ..errors import ImageError
from ..reference.reference import DIGEST

NOTHING: Mapping[str, str] = MappingProxyType({})
_HEADER = (
    "# What the images of this inventory are; written by selfhosted.serverless, to be kept under version control.\n"
)


class LockError(ImageError):
    """A lock file is damaged, or does not have what it must have."""


@dataclass(frozen=True)
class LockedPart:
    """The manifest of one architecture, and the bytes of its config and layers."""

    digest: str
    size: int


@dataclass(frozen=True)
class Locked:
    """One image: the digest of its topmost manifest, and its parts by architecture."""

    digest: str
    platforms: Mapping[str, LockedPart] = field(default_factory=dict)


@dataclass(frozen=True)
class Lock:
    """All locked images by reference, and for each context the place of every image that has several."""

    images: Mapping[str, Locked] = field(default_factory=dict)
    chosen: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Lock:
        """Return the lock of a file, an empty one where there is none. Raises LockError."""
        try:
            document = load_plain(path.read_bytes())
            images = {str(name): _locked(entry) for name, entry in document["images"].items()}
            chosen = {str(context): _chosen(places) for context, places in (document.get("chosen") or {}).items()}
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
            raise LockError(
                f"the lock {path} is damaged ({error}); restore it, or remove it to have all images resolved anew"
            ) from None
        return cls(images, chosen)

    def with_images(self, images: Mapping[str, Locked]) -> Lock:
        """Return the lock with these images; of the same digest, architectures are added."""
        merged = dict(self.images)
        for name, new in images.items():
            old = merged.get(name)
            platforms = {**old.platforms, **new.platforms} if old and old.digest == new.digest else new.platforms
            merged[name] = Locked(new.digest, platforms)
        return Lock(merged, self.chosen)

    def with_chosen(self, context: str, places: Mapping[str, str]) -> Lock:
        """Return the lock with these places of images in a context; those of other images stay."""
        if not places:
            return self
        return Lock(self.images, {**self.chosen, context: {**self.chosen.get(context, {}), **places}})

    def text(self) -> str:
        """Return the file's content; the same lock makes the same text."""
        images = {
            name: {
                "digest": image.digest,
                "platforms": {
                    platform: {"digest": part.digest, "size": part.size}
                    for platform, part in sorted(image.platforms.items())
                },
            }
            for name, image in sorted(self.images.items())
        }
        chosen = {context: dict(sorted(places.items())) for context, places in sorted(self.chosen.items())}
        document = {"images": images, **({"chosen": chosen} if chosen else {})}
        return _HEADER + yaml.safe_dump(document, sort_keys=False, width=250)


def extend_lock(
    path: Path, images: Mapping[str, Locked], context: str = "", chosen: Mapping[str, str] = NOTHING
) -> tuple[str, str]:
    """Add images, and their places in a context, to a lock file, made where there is none; return both its texts.

    Hosts of one inventory run side by side and share the file, so it is read and written under a lock of its folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone_in(path.parent):
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        lock = Lock.read(path)
        extended = lock.with_images(images).with_chosen(context, chosen)
        if before and extended == lock:
            return before, before
        after = extended.text()
        if after != before:
            _replace(path, after)
    return before, after


def differences(old: Lock, images: Mapping[str, Locked]) -> list[str]:
    """Return a line for each image that is new or other than in the lock."""
    lines = []
    for name, new in sorted(images.items()):
        before = old.images.get(name)
        if before is None:
            lines.append(f"{name}: new, {new.digest}")
        elif before.digest != new.digest:
            lines.append(f"{name}: {before.digest} -> {new.digest}")
    return lines


def _locked(entry: Mapping[str, Any]) -> Locked:
    platforms = {
        str(name): LockedPart(_digest(part["digest"]), int(part["size"])) for name, part in entry["platforms"].items()
    }
    return Locked(_digest(entry["digest"]), platforms)


def _chosen(places: Mapping[str, Any]) -> dict[str, str]:
    return {str(image): str(place) for image, place in places.items()}


def _digest(text: Any) -> str:
    if not isinstance(text, str) or not DIGEST.fullmatch(text):
        raise ValueError(f"{text!r} is no digest")
    return text


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    handle = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _replace(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=".lock-", delete=False, encoding="utf-8") as file:
        file.write(text)
        os.chmod(file.name, 0o644)
    os.replace(file.name, path)
