# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Owner references, followed up: what an object belongs to, and whether it goes when others go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..client.cluster import Cluster
from ..deadline import Deadline
from ..objects import Document, ObjectRef
from .inventory import Identity, Inventory
from .ownership import is_terminating, release_of, uid_of

MOST_GENERATIONS = 20  # a ring of references must not be followed for ever


class Going:
    """All that is gone after a run: objects named here, and what only they own.

    `removed` are inventories of releases that count as removed already. Owners that are not known yet are read once.
    """

    def __init__(self, cluster: Cluster, removed: Iterable[Inventory], deadline: Deadline) -> None:
        self._cluster = cluster
        self._deadline = deadline
        self._uids: set[str] = set()
        self._removed: dict[Identity, str] = {
            identity: inventory.release for inventory in removed for identity in inventory.by_identity
        }
        self._known: dict[str, Document | None] = {}

    def add(self, items: Iterable[Document]) -> None:
        """These objects go."""
        for item in items:
            self._uids.add(uid_of(item))
            self._known[uid_of(item)] = item

    def learn(self, items: Iterable[Document]) -> None:
        """These objects are there; they need not be read as owners."""
        for item in items:
            self._known.setdefault(uid_of(item), item)

    def includes(self, item: Document, depth: int = 0) -> bool:
        """True when the object goes: by itself, or because it has owners and all of them go (garbage collection)."""
        if uid_of(item) in self._uids or is_terminating(item) or self._goes_with_its_release(item):
            return True
        references = owner_references(item)
        if not references or depth > MOST_GENERATIONS:
            return False
        return all(self._goes(reference, item, depth) for reference in references)

    def _goes(self, reference: dict[str, Any], item: Document, depth: int) -> bool:
        owner = self._owner(reference, item)
        if owner is None:
            return True  # nobody owns it any more: the garbage collector is about to take it
        if is_terminating(owner) and "orphan" in (owner["metadata"].get("finalizers") or []):
            return False
        return self.includes(owner, depth + 1)

    def _goes_with_its_release(self, item: Document) -> bool:
        release = self._removed.get(ObjectRef.of(item).identity)
        return release is not None and release_of(item) == release

    def _owner(self, reference: dict[str, Any], item: Document) -> Document | None:
        uid = reference.get("uid") or ""
        if uid not in self._known:
            namespace = item["metadata"].get("namespace")
            live = self._cluster.get(
                reference["apiVersion"], reference["kind"], reference["name"], namespace, self._deadline
            )
            self._known[uid] = live if uid_of(live) == uid else None
        return self._known[uid]


def owner_references(item: Document) -> list[dict[str, Any]]:
    """The object's owner references; often none."""
    return item["metadata"].get("ownerReferences") or []


def tops(items: list[Document]) -> dict[str, tuple[Document, int]]:
    """The objects that no other of `items` owns, by uid, each with the number of those below it."""
    by_uid = {uid_of(item): item for item in items}
    found: dict[str, tuple[Document, int]] = {}
    for item in items:
        top = _top(item, by_uid)
        known, below = found.get(uid_of(top), (top, 0))
        found[uid_of(top)] = (known, below + (top is not item))
    return found


def _top(item: Document, by_uid: dict[str, Document]) -> Document:
    for _generation in range(MOST_GENERATIONS):
        owner = next(
            (by_uid[reference["uid"]] for reference in owner_references(item) if reference["uid"] in by_uid), None
        )
        if owner is None:
            break
        item = owner
    return item
