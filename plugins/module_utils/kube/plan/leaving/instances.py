# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others have of the kinds that a release defines: it forbids the removal, or is purged with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...client.cluster import Cluster
from ...deadline import Deadline
from ...errors import ReleaseError
from ...inventory.inventory import Inventory, holders
from ...inventory.owners import Going, families
from ...inventory.ownership import release_of
from ...objects import Document, ObjectRef
from ...parallel import for_each
from .holding import instances_of
from .residue import is_residue


@dataclass(frozen=True)
class Instance:
    """An object of others, of one of the kinds.

    `below` counts the objects of these kinds that it owns; `kinds` (group and kind) are its own and theirs. `root` is
    what it belongs to in the end, often itself; `release` the release of ours that has it or an owner of it, if any.
    """

    live: Document
    below: int
    kinds: frozenset[tuple[str, str]]
    root: ObjectRef
    release: str = ""

    @property
    def ref(self) -> ObjectRef:
        return ObjectRef.of(self.live)

    def __str__(self) -> str:
        text = f"{self.ref} ({self.ref.group})"
        if self.root != self.ref:
            text += f" of {self.root}"
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
        raise ReleaseError.of("looking for objects of the release's kinds", errors)
    items = [item for found in lists for item in found]
    going.learn(items)
    foreign = [item for item in items if not is_residue(residue, item) and not going.includes(item)]
    return [_instance(going, family, others) for family in families(foreign)]


def _instance(going: Going, family: list[Document], others: list[Inventory]) -> Instance:
    lineage = going.lineage(family[0])
    releases = [found for found in (_release(item, others) for item in lineage) if found]
    kinds = frozenset((ObjectRef.of(item).group, item["kind"]) for item in family)
    release = releases[0] if releases else ""
    return Instance(family[0], len(family) - 1, kinds, ObjectRef.of(lineage[-1]), release)


def _release(item: Document, others: list[Inventory]) -> str:
    """The other release of ours that has the object: by its label, as long as that release has an inventory."""
    holding = holders(ObjectRef.of(item).identity, others)
    return release_of(item) if release_of(item) in holding else (holding[0] if holding else "")
