# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All image references in rendered manifests, each with where it stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .places import places


@dataclass(frozen=True)
class Found:
    """A reference as it is written, and the place in words, such as 'Deployment knative-serving/activator: activator'.

    `certain` is False where only its looks say that it is an image.
    """

    reference: str
    where: str
    certain: bool = True


def extract_references(documents: Iterable[dict[str, Any]]) -> list[Found]:
    """Return every reference of all documents, in their order, one entry for each place."""
    return [
        Found(place.reference, place.where, place.certain)
        for document in documents
        if isinstance(document, dict)
        for place in places(document)
    ]
