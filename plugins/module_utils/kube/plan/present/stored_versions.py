# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The versions in which the objects of a CRD are stored, against those that a release's CRD has.

A version may leave a CRD only when no object is stored in it any more, which status.storedVersions says. Source:
kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning, "Upgrade existing
objects to a new stored version".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...objects import Document
from ..plan import Blocker, Plan, Step

DEFINITION = "CustomResourceDefinition"


def stored(definition: Document) -> list[str]:
    """The versions in which objects may be stored, the first that was used first."""
    return (definition.get("status") or {}).get("storedVersions") or []


def storage_version(definition: Document) -> str:
    """The version in which objects are written; '' for a damaged CRD."""
    return next((version["name"] for version in _versions(definition) if version.get("storage")), "")


def dropped(live: Document, wanted: Document) -> list[str]:
    """Versions in which objects may be stored and which the wanted CRD has no more."""
    known = {version["name"] for version in _versions(wanted)}
    return [version for version in stored(live) if version not in known]


def unmigrated(live: Document, wanted: Document) -> bool:
    """Whether objects may be stored in another version than the one that the wanted CRD writes."""
    return any(version != storage_version(wanted) for version in stored(live))


def guard_stored_versions(plan: Plan, version_before: str) -> None:
    """Add what forbids CRDs that drop a stored version, and tell of versions that are served no more.

    The server refuses the first too, in words that name neither the way out nor the release that has it.
    """
    found: list[Blocker] = []
    for step in _definitions(plan.steps):
        lost = dropped(step.live or {}, step.document or {})
        if lost:
            found.append(Blocker(str(step.ref), _what(step, lost), _remedy(step, version_before)))
        gone = sorted(_served(step.live) - _served(step.document))
        if gone:
            plan.warnings.append(
                f"{step.ref} serves {', '.join(gone)} no more: who still asks for it gets no answer afterwards"
            )
    named = {blocker.where for blocker in found}
    plan.blockers[:] = [one for one in plan.blockers if not (one.where in named and "storedVersions" in one.what)]
    plan.blockers += found


def unmigrated_definitions(steps: Iterable[Step]) -> list[str]:
    """The names of the CRDs of which objects may be stored in an older version, once the steps are carried out."""
    return sorted(step.ref.name for step in _definitions(steps) if unmigrated(step.live or {}, step.document or {}))


def _definitions(steps: Iterable[Step]) -> list[Step]:
    return [step for step in steps if step.ref.kind == DEFINITION and step.live and step.document]


def _versions(definition: Document | None) -> list[dict[str, Any]]:
    return ((definition or {}).get("spec") or {}).get("versions") or []


def _served(definition: Document | None) -> set[str]:
    return {version["name"] for version in _versions(definition) if version.get("served")}


def _what(step: Step, lost: list[str]) -> str:
    kept = storage_version(step.live or {})
    return (
        f"objects of its kind may be stored as {', '.join(lost)}, which this version drops "
        f"(status.storedVersions: {', '.join(stored(step.live or {}))}; written now: {kept})"
    )


def _remedy(step: Step, version_before: str) -> str:
    if storage_version(step.live or {}) in dropped(step.live or {}, step.document or {}):
        return (
            "A version between the two writes them in one that both have: go there first, with its jobs, and then here"
        )
    first = f"Run once more with the release that stands ({version_before})" if version_before else "Do that first"
    return (
        f"{first}, whose storage migration writes them anew; without one, update every object of the kind and then "
        "take the version out of status.storedVersions"
    )
