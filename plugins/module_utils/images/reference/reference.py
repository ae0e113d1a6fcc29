# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Image references: registry, repository, tag, digest.

The rules are those of github.com/distribution/reference, which docker and containerd use: no registry means
docker.io, one path component there means library/, neither tag nor digest means the tag latest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ...http.redaction import without_login
from ..errors import InvalidReference

_DEFAULT_REGISTRY, _INDEX = "docker.io", "index.docker.io"
HOST = re.compile(r"(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


@dataclass(frozen=True, order=True)
class Reference:
    """A complete reference; at least one of tag and digest is not empty. With both, the digest decides."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Return the complete reference for a text as it stands in a manifest. Raises InvalidReference."""
        rest, _at, digest = text.partition("@")
        if digest and not DIGEST.fullmatch(digest):
            raise InvalidReference(f"image {without_login(text)!r}: what follows @ is no sha256 or sha512 digest")
        head, separator, last = rest.rpartition("/")
        name, _colon, tag = last.partition(":")
        registry, repository = split_registry(head + separator + name)
        if ":" in last and not _TAG.fullmatch(tag):
            raise InvalidReference(f"image {text!r}: {tag!r} is no tag")
        if not HOST.fullmatch(registry):
            raise InvalidReference(f"image {text!r}: {registry!r} is no host or host:port")
        if not REPOSITORY.fullmatch(repository):
            raise InvalidReference(
                f"image {text!r}: {repository!r} is no repository name (lower case, digits, . _ - /)"
            )
        if not tag and not digest:
            tag = "latest"
        return cls(registry, repository, tag, digest)

    @property
    def name(self) -> str:
        """Registry and repository."""
        return f"{self.registry}/{self.repository}"

    @property
    def version(self) -> str:
        """What a registry is asked for: the digest, else the tag."""
        return self.digest or self.tag

    @property
    def exact(self) -> Reference:
        """The reference by what decides alone, as runtimes and layouts keep it: with a digest, without the tag."""
        return self.at(self.digest) if self.digest else self

    def with_name(self, registry: str, repository: str) -> Reference:
        """Return the same version under another name."""
        return replace(self, registry=registry, repository=repository)

    def at(self, digest: str) -> Reference:
        """Return the reference to this digest in the same repository, without a tag."""
        return replace(self, tag="", digest=digest)

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.name}{tag}{digest}"


def canonical(host: str) -> str:
    """Return a registry's host as references have it: Docker Hub has a second name."""
    return _DEFAULT_REGISTRY if host == _INDEX else host


def split_registry(name: str) -> tuple[str, str]:
    """Return registry and repository of a name without version, with Docker Hub's defaults."""
    first, separator, rest = name.partition("/")
    if not separator or not ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        first, rest = _DEFAULT_REGISTRY, name
    first = canonical(first)
    if first == _DEFAULT_REGISTRY and "/" not in rest:
        rest = f"library/{rest}"
    return first, rest
