# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Owner references, followed up: what an object belongs to, and whether it goes when others go."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

from ..client.cluster import Cluster
from ..deadline import Deadline
from ..errors import ApiError, NotKnown
from ..objects import Document, ObjectRef
from .ownership import is_terminating, uid_of

UNREADABLE = (ApiError, NotKnown)
MOST_GENERATIONS = 20  # a ring of references must not be followed for ever


class Going:
    """All that is gone after a run: objects named here, and what only they own.

    `gone` are objects that count as gone already, with what is in the namespaces and of the kinds among them. Owners
    that are not known yet are read once.
    """

    def __init__(self, cluster: Cluster, gone: Iterable[Document], deadline: Deadline) -> None:
        self._cluster = cluster
        self._deadline = deadline
        self._uids: set[str] = set()
        self._known: dict[str, Document | None] = {}
        gone = list(gone)
        self.add(gone)
        self._namespaces = {item["metadata"]["name"] for item in gone if item["kind"] == "Namespace"}
        self._kinds = {item["metadata"]["name"] for item in gone if item["kind"] == "CustomResourceDefinition"}

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
        if uid_of(item) in self._uids or is_terminating(item) or self._goes_with_its_place(item):
            return True
        references = owner_references(item)
        if not references or depth > MOST_GENERATIONS:
            return False
        return all(self._goes(reference, item, depth) for reference in references)

    def lineage(self, item: Document) -> list[Document]:
        """The object, its owner, and so on up to the root, as far as they are there."""
        found = [item]
        while len(found) <= MOST_GENERATIONS:
            try:
                owners = [self._owner(reference, found[-1]) for reference in owner_references(found[-1])]
            except UNREADABLE:
                break
            owner = next((live for live in owners if live is not None), None)
            if owner is None:
                break
            found.append(owner)
        return found

    def _goes(self, reference: dict[str, Any], item: Document, depth: int) -> bool:
        try:
            owner = self._owner(reference, item)
        except UNREADABLE:
            return False  # not ours to read, or its API server is away: it may well stay
        if owner is None:
            # Without its owner the garbage collector is about to take it, but not where it cannot know the kind.
            return self._cluster.discovery.find(reference["apiVersion"], reference["kind"]) is not None
        if is_terminating(owner) and "orphan" in (owner["metadata"].get("finalizers") or []):
            return False
        return self.includes(owner, depth + 1)

    def _goes_with_its_place(self, item: Document) -> bool:
        """True for what is in a namespace that counts as gone, or of a kind whose definition does."""
        ref = ObjectRef.of(item)
        if ref.namespace in self._namespaces:
            return True
        resource = self._cluster.discovery.find(ref.api_version, ref.kind) if self._kinds else None
        return resource is not None and f"{resource.plural}.{ref.group}" in self._kinds

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


def is_owned_by(item: Document, uids: Container[str]) -> bool:
    """Whether one of the objects of these uids owns the item itself."""
    return any(reference.get("uid") in uids for reference in owner_references(item))


def families(items: list[Document]) -> list[list[Document]]:
    """`items` by the one that no other of them owns: it comes first, then all that is below it."""
    by_uid = {uid_of(item): item for item in items}
    found: dict[str, list[Document]] = {}
    for item in items:
        top = _top(item, by_uid)
        family = found.setdefault(uid_of(top), [top])
        if item is not top:
            family.append(item)
    return sorted(found.values(), key=lambda family: ObjectRef.of(family[0]))


def _top(item: Document, by_uid: dict[str, Document]) -> Document:
    for _generation in range(MOST_GENERATIONS):
        owner = next(
            (by_uid[reference["uid"]] for reference in owner_references(item) if reference["uid"] in by_uid), None
        )
        if owner is None:
            break
        item = owner
    return item
