# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guards for what cannot be made again: volumes that would be left behind, passwords that would be made anew."""

from __future__ import annotations

from collections.abc import Iterable

from ...inventory.inventory import Inventory
from ...objects import Document, ObjectRef
from ..plan import Action, Blocker, Plan, Step
from .options import PresentOptions

CLAIM = "PersistentVolumeClaim"


def moved_data(documents: Iterable[Document], inventory: Inventory | None, leaving: Plan) -> list[Blocker]:
    """Data that would be left behind because the release is to stand in another namespace."""
    places = {(document["kind"], document["metadata"]["name"]): ObjectRef.of(document) for document in documents}
    data = {entry.ref.identity for entry in (inventory.entries if inventory else ()) if entry.is_data}
    found = []
    for step in leaving.steps:
        place = places.get((step.ref.kind, step.ref.name))
        if place is not None and step.ref.identity in data:
            what = f"it holds data, and the release would go on without it in namespace {place.namespace}"
            remedy = (
                "Put the namespace back; or make a backup, remove the release, install it in the new namespace and "
                "restore the backup there"
            )
            found.append(Blocker(str(step.ref), what, remedy))
    return found


def lost_secrets(plan: Plan, inventory: Inventory | None, options: PresentOptions) -> list[Blocker]:
    """Generated passwords that are gone while a volume of their namespace is there: new ones would lock the data out.

    Gone is the Secret, or the value in it.
    """
    with_data = {step.ref.namespace for step in plan.steps if step.ref.kind == CLAIM and step.live is not None}
    return [
        Blocker(
            str(step.ref),
            f"it held a generated password{_in(lost)} and is gone, while the volume of its namespace is there; a new "
            "password would lock the data out",
            "Put the Secret back from a backup, or delete the volume claim if its data may go",
        )
        for step in plan.steps
        if step.ref in options.data and step.ref.namespace in with_data
        for lost in [_lost_keys(step, options)]
        if (step.action is Action.CREATE or lost) and _was_there(step.ref, inventory)
    ]


def with_stored_values(document: Document, live: Document, options: PresentOptions) -> Document:
    """A Secret with the random values that the cluster has: another run may have made them after this one its own."""
    stored = live.get("data") or {}
    kept = {key: stored[key] for key in options.generated.get(ObjectRef.of(document), ()) if key in stored}
    return {**document, "data": {**(document.get("data") or {}), **kept}} if kept else document


def _lost_keys(step: Step, options: PresentOptions) -> list[str]:
    """The keys of a Secret that is there that would get a random value, because they have none."""
    if step.live is None or step.document is None:
        return []
    return sorted(options.generated.get(step.ref, frozenset()) - set(step.live.get("data") or {}))


def _in(keys: list[str]) -> str:
    return f" in {', '.join(keys)}" if keys else ""


def _was_there(ref: ObjectRef, inventory: Inventory | None) -> bool:
    """Whether a secret has ever been made. Without an inventory nothing tells, so it counts as made.

    Entries of the first form of the inventory have no uid and are not marked as data; a marked one without a uid stems
    from a run that died before it made the secret.
    """
    if inventory is None:
        return True
    entry = inventory.by_identity.get(ref.identity)
    return entry is not None and (bool(entry.uid) or not entry.is_data)
