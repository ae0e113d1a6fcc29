# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking registries for the application's image and for the image that it is built on."""

from __future__ import annotations

from dataclasses import dataclass

from ..images.errors import ImageError, RegistryError
from ..images.policy.policy import ImagePolicy
from ..images.reference.reference import Reference
from ..images.registry.client import Registry


class BaseNotFound(ImageError):
    """No mirror has the base image; the text names it, and what each mirror said."""


@dataclass(frozen=True)
class Base:
    """Where the base image is to be had, and whether that registry is spoken to without TLS."""

    reference: str
    plain_http: bool


def find_image(image: str, policy: ImagePolicy) -> str:
    """Return the digest of an image in its registry, '' where it is not there.

    Raises ImageError when the registry does not answer or refuses the login.
    """
    reference = Reference.parse(image)
    registry = Registry(reference.registry, policy.settings(reference.registry))
    return registry.has_manifest(reference.repository, reference.version)


def find_base(base: str, policy: ImagePolicy) -> Base:
    """Return the first place, in the order of the policy's mirrors, that has the base image. Raises BaseNotFound."""
    told = []
    for candidate in policy.candidates(Reference.parse(base)):
        place = candidate.reference
        settings = policy.settings(place.registry)
        try:
            if Registry(place.registry, settings).has_manifest(place.repository, place.version):
                return Base(str(place), settings.scheme == "http")
            told.append(f"{place}: not found")
        except RegistryError as error:
            told.append(f"{place}: {error}")
    raise BaseNotFound(
        f"The todo application's base image {base} cannot be had ({'; '.join(told)}). "
        "Put it into the mirror, or set todo_base_image to one that is there."
    )
