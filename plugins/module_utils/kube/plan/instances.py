# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others have of the kinds that a release defines: it forbids the removal, or is purged with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..client.cluster import Cluster
from ..deadline import Deadline
from ..errors import ReleaseError
from ..inventory.inventory import Inventory, holders
from ..inventory.owners import Going, owner_references, tops
from ..inventory.ownership import release_of
from ..objects import Document, ObjectRef
from ..parallel import for_each
from .holding import instances_of
from .residue import is_residue


@dataclass(frozen=True)
class Instance:
    """An object of others, of one of the kinds.

    `below` counts the objects of these kinds that it owns; `release` is the release of ours that has it, if any.
    """

    live: Document
    below: int
    release: str = ""

    @property
    def ref(self) -> ObjectRef:
        return ObjectRef.of(self.live)

    def __str__(self) -> str:
        text = f"{self.ref} ({self.ref.group})"
        references = owner_references(self.live)
        if references:
            text += f" of {references[0]['kind']} {references[0]['name']}"
        return f"{text}, with {self.below} object(s) that it owns" if self.below else text


def foreign_instances(
    cluster: Cluster,
    definitions: list[Document],
    going: Going,
    others: list[Inventory],
    residue: list[dict[str, Any]],
    deadline: Deadline,
) -> list[Instance]:
    """The roots among the objects of these CRDs' kinds that would not go with the release. Raises ReleaseError.

    An object with an owner is not ours for that: its root decides.
    """
    lists, errors = for_each(lambda definition: instances_of(cluster, definition, deadline), definitions)
    if errors:
        raise ReleaseError("looking for objects of the release's kinds: " + "\n".join(str(error) for error in errors))
    items = [item for found in lists for item in found]
    going.learn(items)
    foreign = [item for item in items if not is_residue(residue, item) and not going.includes(item)]
    return [
        Instance(item, below, _release(item, others)) for item, below in sorted(tops(foreign).values(), key=_by_name)
    ]


def _release(item: Document, others: list[Inventory]) -> str:
    """The other release of ours that has the object: by its label, as long as that release has an inventory."""
    holding = holders(ObjectRef.of(item).identity, others)
    return release_of(item) if release_of(item) in holding else (holding[0] if holding else "")


def _by_name(pair: tuple[Document, int]) -> ObjectRef:
    return ObjectRef.of(pair[0])
