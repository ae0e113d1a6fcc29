# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents with their image references changed as the gate says."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from .errors import GateError
from .mapping import Gate
from .places import places

__all__ = ["Gate", "rewrite_document", "rewrite_documents"]


def rewrite_document(document: dict[str, Any], gate: Gate) -> dict[str, Any]:
    """Return a copy with every reference as it is to be delivered; the given document stays as it is.

    Raises GateError for an image that no rule covers (mode rewrite). A text that only looks like one is then left.
    """
    result = copy.deepcopy(document)
    for place in list(places(result)):
        try:
            wanted = gate.deliverable(place.reference)
        except GateError as error:
            if place.certain:
                raise GateError(f"{place.where}: {error}") from error
            continue
        if wanted != place.reference:
            place.put(wanted)
    return result


def rewrite_documents(documents: Iterable[dict[str, Any]], gate: Gate) -> list[dict[str, Any]]:
    """Return copies of all documents, see rewrite_document."""
    return [rewrite_document(document, gate) for document in documents]
