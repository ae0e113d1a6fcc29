# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose an object is: the labels and annotations by which releases of ours are told, and what they mean."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from ..objects import Document

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "selfhosted.serverless"
RELEASE_LABEL = "serverless.selfhosted/release"
ADOPTED_ANNOTATION = "serverless.selfhosted/adopted"


class Origin(StrEnum):
    """How an object came to a release.

    CREATED: the release made it, and may delete it. ADOPTED: it was there before any release of ours; it is given back,
    never deleted. SHARED: another release of ours holds it too (a namespace); the last one that leaves decides by what
    the object itself says: whether it carries our label and is not adopted.
    """

    CREATED = "created"
    ADOPTED = "adopted"
    SHARED = "shared"


def release_of(live: Document | None) -> str:
    """The release whose label an object carries; empty for an object that is not ours or not there."""
    labels = ((live or {}).get("metadata") or {}).get("labels") or {}
    if labels.get(MANAGED_BY_LABEL) == MANAGED_BY or (live and is_adopted(live)):
        return labels.get(RELEASE_LABEL, "")
    return ""


def is_adopted(live: Document) -> bool:
    """True when the object existed before a release of ours took it over."""
    return ADOPTED_ANNOTATION in ((live.get("metadata") or {}).get("annotations") or {})


def is_terminating(live: Document | None) -> bool:
    """True while the object is being deleted."""
    return bool(((live or {}).get("metadata") or {}).get("deletionTimestamp"))


def uid_of(live: Document | None) -> str:
    """The object's uid; empty without an object."""
    return ((live or {}).get("metadata") or {}).get("uid") or ""


def ownership_labels(release: str) -> dict[str, str]:
    """The labels on every object of a release."""
    return {MANAGED_BY_LABEL: MANAGED_BY, RELEASE_LABEL: release}


def labels_beside(release: str, live: Document) -> dict[str, str]:
    """The labels on an adopted object: who manages it is not ours to say where its owner has said it, as Helm does."""
    theirs = (live["metadata"].get("labels") or {}).get(MANAGED_BY_LABEL, MANAGED_BY)
    return ownership_labels(release) if theirs == MANAGED_BY else {RELEASE_LABEL: release}


def ownership_metadata(release: str, adopted: bool, live: Document | None = None) -> dict[str, Any]:
    """The labels, and for an adopted object the annotation, as a part of metadata."""
    labels = labels_beside(release, live) if adopted and live else ownership_labels(release)
    metadata: dict[str, Any] = {"labels": labels}
    if adopted:
        metadata["annotations"] = {ADOPTED_ANNOTATION: "true"}
    return metadata
