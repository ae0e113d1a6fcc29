# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a release leaves, and what the parts of the plan need to know of the cluster while it is made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ...client.cluster import FIELD_MANAGER, Cluster
from ...deadline import Deadline
from ...inventory.inventory import Inventory
from ...inventory.owners import Going
from ...inventory.ownership import release_of
from ...objects import Document, matches
from ..plan import Action, Plan, Step


@dataclass(frozen=True)
class LeavingPolicy:
    """The meanings are those of the release module's options.

    `keep` are matchers of objects that stay. `residue` and `dependents` are rules, see residue.py and dependents.py.
    `purge` deletes what others have of the release's kinds. `whole`: the whole release goes; otherwise some of its
    objects are no longer wanted. `data_hint` tells how data is kept, for the warning that names what is lost.
    `grace_seconds` is what pods of the release's workloads get at most to end; None: what they ask for.
    """

    keep: list[dict[str, Any]] = field(default_factory=list)
    residue: list[dict[str, Any]] = field(default_factory=list)
    dependents: list[dict[str, Any]] = field(default_factory=list)
    purge: bool = False
    whole: bool = True
    data_hint: str = ""
    grace_seconds: int | None = None

    def keeps(self, live: Document) -> bool:
        """Whether a matcher of `keep` fits the object."""
        return any(matches(matcher, live) for matcher in self.keep)


@dataclass(frozen=True)
class Scene:
    """One release that leaves, the others that stay (`others`), and all that is gone afterwards (`going`).

    Of removals before this one: `returned` names the namespaces that they give back, and `passed_on` says of these
    whose label they carry afterwards, "" for nobody's.
    """

    cluster: Cluster
    own: Inventory
    others: list[Inventory]
    going: Going
    policy: LeavingPolicy
    deadline: Deadline
    returned: frozenset[str] = frozenset()
    passed_on: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        cluster: Cluster,
        own: Inventory,
        others: list[Inventory],
        policy: LeavingPolicy,
        before: Iterable[Plan],
        deadline: Deadline,
    ) -> Scene:
        """The scene before anything is decided, with the plans of removals `before` regarded as carried out."""
        staying = [inventory for inventory in others if inventory.release != own.release]
        plans = list(before)
        steps = [step for plan in plans for step in plan.of(Action.DELETE, Action.WAIT_GONE)]
        going = Going(cluster, [step.live for step in steps if step.live], deadline)
        returned = frozenset(step.ref.name for step in _returned(plans))
        return cls(cluster, own, staying, going, policy, deadline, returned, passed_on(plans))

    def holder_of(self, namespace: Document) -> str:
        """The release whose label the namespace carries, or will carry when this removal's turn has come."""
        return self.passed_on.get(namespace["metadata"]["name"], release_of(namespace))


def passed_on(plans: Iterable[Plan]) -> dict[str, str]:
    """The namespaces that removals take our label from, each with the release that it names instead, "" for none."""
    # Steps of other managers take away what a release shares, not the label.
    steps = [step for step in _returned(plans) if step.manager == FIELD_MANAGER and step.document]
    return {step.ref.name: release_of(step.document) for step in steps}


def _returned(plans: Iterable[Plan]) -> list[Step]:
    return [step for plan in plans for step in plan.of(Action.GIVE_BACK) if step.ref.kind == "Namespace"]
