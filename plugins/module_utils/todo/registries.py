# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking registries for the application's image and for the image that it is built on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..images.errors import ImageError, RegistryError
from ..images.reference import Reference
from ..images.registry import Registry
from ..images.settings import RegistrySettings


class BaseNotFound(ImageError):
    """No mirror has the base image; the text names it, and what each mirror said."""


@dataclass(frozen=True)
class Base:
    """Where the base image is to be had, and whether that registry is spoken to without TLS."""

    reference: str
    plain_http: bool


def find_image(image: str, gate: Mapping[str, Any]) -> str:
    """Return the digest of an image in its registry, '' where it is not there. `gate` is the image gate.

    Raises ImageError when the registry does not answer or refuses the login.
    """
    reference = Reference.parse(image)
    return _registry(reference, gate).has_manifest(reference.repository, reference.version)


def find_base(base: str, gate: Mapping[str, Any]) -> Base:
    """Return the first place, in the order of the gate's mirrors, that has the base image. Raises BaseNotFound."""
    told = []
    for place in _places(Reference.parse(base), gate):
        registry = _registry(place, gate)
        try:
            if registry.has_manifest(place.repository, place.version):
                return Base(str(place), registry.settings.scheme == "http")
            told.append(f"{place}: not found")
        except RegistryError as error:
            told.append(f"{place}: {error}")
    raise BaseNotFound(
        f"The todo application's base image {base} cannot be had ({'; '.join(told)}). "
        "Put it into the mirror, or set todo_base_image to one that is there."
    )


def _places(base: Reference, gate: Mapping[str, Any]) -> list[Reference]:
    mirrors = (gate.get("mirrors") or {}).get(base.registry)
    if not mirrors:
        return [base]
    return [Reference.parse(str(base).replace(base.registry, mirror, 1)) for mirror in mirrors]


def _registry(reference: Reference, gate: Mapping[str, Any]) -> Registry:
    config = (gate.get("registries") or {}).get(reference.registry) or {}
    return Registry(reference.registry, RegistrySettings.from_config(reference.registry, config))
