# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents with their image references changed as the policy says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...plain_copy import plain_copy
from ..errors import PolicyError
from ..policy.policy import NONE_CHOSEN, ImagePolicy
from .places import places
from .reference import Reference


def undecided(documents: Iterable[dict[str, Any]], policy: ImagePolicy) -> dict[Reference, bool]:
    """Return the images, by their names after the exact map, for which choice.py must ask the registries first.

    The values say whether it is certain that they are images. Nothing where each has one place only.
    """
    found: dict[Reference, bool] = {}
    for place in (place for document in documents for place in places(document)):
        reference = Reference.parse(place.reference)
        try:
            if policy.undecided(reference):
                image = policy.mapped(reference)
                found[image] = place.certain or found.get(image, False)
        except PolicyError:
            continue  # told by rewrite_document, with the place
    return found


def rewrite_document(
    document: dict[str, Any], policy: ImagePolicy, chosen: Mapping[Reference, Reference] = NONE_CHOSEN
) -> dict[str, Any]:
    """Return a copy with every reference as it is to be delivered; the given document stays as it is.

    `chosen` has the places of the images that are undecided. Raises PolicyError for an image that no rule covers (mode
    rewrite). A text that only looks like one is then left.
    """
    result = plain_copy(document)
    for place in list(places(result)):
        try:
            wanted = policy.deliverable(place.reference, chosen)
        except PolicyError as error:
            if place.certain:
                raise PolicyError(f"{place.where}: {error}") from error
            continue
        if wanted != place.reference:
            place.put(wanted)
    return result


def rewrite_documents(
    documents: Iterable[dict[str, Any]], policy: ImagePolicy, chosen: Mapping[Reference, Reference] = NONE_CHOSEN
) -> list[dict[str, Any]]:
    """Return copies of all documents, see rewrite_document."""
    return [rewrite_document(document, policy, chosen) for document in documents]
