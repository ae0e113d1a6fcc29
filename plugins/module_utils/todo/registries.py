# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking registries for the application's image and for the image that it is built on."""

from __future__ import annotations

from dataclasses import dataclass

from ..images.errors import ImageError, Reason, RegistryError
from ..images.plan.inspection import Inspected, inspect
from ..images.policy.policy import ImagePolicy
from ..images.reference.reference import Reference
from ..images.registry.backoff import Backoff
from ..images.registry.client import Registry
from ..images.registry.clients import Clients
from ..images.registry.cooldown import HINT

# For a mirror behind which another one follows
_QUICK = Backoff(attempts=2, longest_pause=2.0, read_timeout=10.0, patience=0.0)


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
    registry, reference = _patient(image, policy)
    return registry.has_manifest(reference.repository, reference.version)


def inspect_image(image: str, policy: ImagePolicy) -> Inspected | None:
    """Return what an image in its registry is, with all architectures for Linux; None where it is not there.

    Raises ImageError when the registry does not answer or refuses the login.
    """
    registry, reference = _patient(image, policy)
    try:
        return inspect(registry, reference, ())
    except RegistryError as error:
        if error.reason == Reason.NOT_FOUND:
            return None
        raise


def find_base(base: str, policy: ImagePolicy) -> Base:
    """Return the first place, in the order of the policy's mirrors, that has the base image. Raises BaseNotFound.

    Rate limits are waited for, as the policy says, where no other place has it.
    """
    clients = Clients(policy)
    found, told, is_limited = _look(base, policy, clients, Clients(policy, _QUICK))
    if not found and is_limited and policy.rate_limit_wait:
        clients.patience.begin()
        found, told, is_limited = _look(base, policy, clients, clients)
    if found:
        return found
    raise BaseNotFound(
        f"The todo application's base image {base} cannot be had ({'; '.join(told)}). "
        + (HINT if is_limited else "Put it into the mirror, or set todo_base_image to one that is there.")
    )


def _patient(image: str, policy: ImagePolicy) -> tuple[Registry, Reference]:
    """Return a client of an image's registry that waits for rate limits, and the image's reference."""
    reference = Reference.parse(image)
    registry = Clients(policy).of(reference.registry)
    registry.be_patient()
    return registry, reference


def _look(base: str, policy: ImagePolicy, last: Clients, others: Clients) -> tuple[Base | None, list[str], bool]:
    """Return where the base is, what places said that do not have it, and whether a rate limit was among that.

    `last` asks the last place, `others` those before it.
    """
    told, is_limited = [], False
    candidates = policy.candidates(Reference.parse(base))
    for candidate in candidates:
        place = candidate.reference
        clients = last if candidate is candidates[-1] else others
        try:
            if clients.of(place.registry).has_manifest(place.repository, place.version):
                return Base(str(place), policy.settings(place.registry).scheme == "http"), told, is_limited
            told.append(f"{place}: not found")
        except RegistryError as error:
            told.append(f"{place}: {error}")
            is_limited = is_limited or error.reason == Reason.RATE_LIMIT
    return None, told, is_limited
