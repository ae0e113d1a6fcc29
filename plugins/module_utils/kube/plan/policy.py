# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a release leaves, and what the parts of the plan need to know of the cluster while it is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..client.cluster import Cluster
from ..deadline import Deadline
from ..inventory.inventory import Inventory
from ..inventory.owners import Going
from ..objects import Document, matches


@dataclass(frozen=True)
class LeavingPolicy:
    """The meanings are those of the release module's options.

    `keep` are matchers of objects that stay. `residue` and `dependents` are rules, see residue.py and dependents.py.
    `purge` deletes what others have of the release's kinds. Releases named in `without` count as removed already.
    `whole`: the whole release goes; otherwise some of its objects are no longer wanted. `data_hint` tells how data is
    kept, for the warning that names what is lost.
    """

    keep: list[dict[str, Any]] = field(default_factory=list)
    residue: list[dict[str, Any]] = field(default_factory=list)
    dependents: list[dict[str, Any]] = field(default_factory=list)
    purge: bool = False
    without: frozenset[str] = frozenset()
    whole: bool = True
    data_hint: str = ""

    def keeps(self, live: Document) -> bool:
        """Whether a matcher of `keep` fits the object."""
        return any(matches(matcher, live) for matcher in self.keep)


@dataclass(frozen=True)
class Scene:
    """One release that leaves, the others that stay (`others`), and all that is gone afterwards (`going`)."""

    cluster: Cluster
    own: Inventory
    others: list[Inventory]
    going: Going
    policy: LeavingPolicy
    deadline: Deadline

    @classmethod
    def of(
        cls, cluster: Cluster, own: Inventory, others: list[Inventory], policy: LeavingPolicy, deadline: Deadline
    ) -> Scene:
        """The scene before anything is decided; `others` may name releases that count as removed."""
        removed = [inventory for inventory in others if inventory.release in policy.without]
        staying = [inventory for inventory in others if inventory.release not in {*policy.without, own.release}]
        return cls(cluster, own, staying, Going(cluster, removed, deadline), policy, deadline)
