# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory of a release: its objects, how each came to it, and which version stands on the cluster."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ..objects import ObjectRef
from .ownership import Origin

Identity = tuple[str, str, str, str]


@dataclass(frozen=True, order=True)
class Entry:
    """One object of a release. `uid` is that of the object when it was last seen; empty where it is not known yet.

    `is_data` marks what cannot be made again: a volume claim, a generated password. It goes only with the release.
    """

    ref: ObjectRef
    origin: Origin = Origin.CREATED
    uid: str = ""
    is_data: bool = False

    def to_line(self) -> str:
        """One line of the stored form: the reference, origin, uid or '-', and 'data' where it is."""
        words = [self.ref.to_line(), self.origin.value, self.uid or "-"]
        return " ".join([*words, "data"] if self.is_data else words)

    @classmethod
    def from_line(cls, line: str) -> Entry:
        """The reverse of `to_line`; the first form was a reference alone. Raises ValueError on a damaged line."""
        words = line.split(" ")
        ref = ObjectRef.from_line(" ".join(words[:4]))
        if len(words) == 4:
            return cls(ref, is_data=ref.kind == "PersistentVolumeClaim")
        uid = words[5] if len(words) > 5 else "-"
        return cls(ref, Origin(words[4]), "" if uid == "-" else uid, words[6:] == ["data"])


@dataclass(frozen=True)
class Inventory:
    """What belongs to `release`.

    `version` is what stands on the cluster; `applying` the version of a run that has begun and not ended, else empty.
    `former` is the version before an upgrade that is not complete: applied perhaps, but not known to be ready, or with
    its jobs undone. Empty otherwise.
    `requires` names the releases of ours without which this one does not work.
    """

    release: str
    entries: frozenset[Entry] = frozenset()
    version: str = ""
    applying: str = ""
    former: str = ""
    requires: tuple[str, ...] = field(default=())

    @property
    def before(self) -> str:
        """The version to which an upgrade that has begun, or is not complete, can go back; '' where there is none."""
        return self.former or (self.version if self.applying not in ("", self.version) else "")

    @property
    def refs(self) -> frozenset[ObjectRef]:
        return frozenset(entry.ref for entry in self.entries)

    @property
    def by_identity(self) -> dict[Identity, Entry]:
        """Entries by (group, kind, namespace, name), so that another API version of an object is the same object."""
        return {entry.ref.identity: entry for entry in self.entries}

    def with_entries(self, entries: Iterable[Entry]) -> Inventory:
        """The same inventory with other entries; each object once, the last one counts."""
        unique = {entry.ref.identity: entry for entry in entries}
        return replace(self, entries=frozenset(unique.values()))


def holders(identity: Identity, inventories: Iterable[Inventory]) -> list[str]:
    """The releases that have the object in their inventory, sorted."""
    return sorted(inventory.release for inventory in inventories if identity in inventory.by_identity)


def residents(namespace: str, inventories: Iterable[Inventory]) -> list[str]:
    """The releases that have something in a namespace or hold the namespace itself, sorted."""
    return sorted(
        inventory.release
        for inventory in inventories
        if any(
            entry.ref.namespace == namespace or (entry.ref.kind == "Namespace" and entry.ref.name == namespace)
            for entry in inventory.entries
        )
    )
