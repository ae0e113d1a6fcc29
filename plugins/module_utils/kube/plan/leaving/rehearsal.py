# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans the removal of several releases, each as if those before it were gone: what is in any way is known at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from ...client.cluster import FIELD_MANAGER, Cluster
from ...deadline import Deadline
from ...inventory.inventory import Entry, Inventory
from ...inventory.lookup import entry_of, find_labelled
from ...inventory.managed_fields import owned_set
from ...inventory.ownership import RELEASE_LABEL, release_of
from ...inventory.store import read_inventories
from ..plan import Action, Plan
from .planner import plan_leaving
from .policy import LeavingPolicy, passed_on


@dataclass(frozen=True)
class AbsentOptions:
    """How one release leaves; `seconds` are for its plan, and again for carrying it out.

    `beside`: it leaves at the same time as those before it, with which it has nothing to do.
    """

    release: str
    policy: LeavingPolicy = field(default_factory=LeavingPolicy)
    seconds: float = 300.0
    beside: bool = False


@dataclass(frozen=True)
class Removal:
    """A release that leaves: its inventory (None where there is none), what it has on the cluster, and the plan."""

    stored: Inventory | None
    own: Inventory
    plan: Plan

    @property
    def is_there(self) -> bool:
        """Whether the cluster has anything of the release."""
        return self.stored is not None or bool(self.own.entries)

    @property
    def left(self) -> Inventory | None:
        """The inventory afterwards, of what is kept; None when nothing is."""
        kept = {step.ref.identity for step in self.plan.of(Action.KEEP)}
        stays = [entry for entry in self.own.entries if entry.ref.identity in kept]
        return replace(self.own.with_entries(stays), applying="", former="", requires=()) if stays else None

    @property
    def writes(self) -> bool:
        """Whether carrying it out writes anything, the inventory included."""
        return self.plan.changes or self.left != self.stored


def rehearse(
    cluster: Cluster, leaving: Sequence[AbsentOptions], record_namespace: str, under_way: Sequence[Removal] = ()
) -> list[Removal]:
    """The removals in the order of `leaving`. Reads and rehearses; writes nothing. Raises KubeError.

    A release that leaves later than one it needs is an obstacle to that one; one that leaves earlier is not, unless it
    keeps something. Removals `under_way` come before them all.
    """
    removals: list[Removal] = []
    deadline = Deadline(max((options.seconds for options in leaving), default=0.0))
    cluster.discovery.ensure(deadline)
    inventories = {item.release: item for item in read_inventories(cluster, record_namespace, deadline)}
    for removal in under_way:
        _leave(inventories, removal)
    for options in leaving:
        stored = inventories.pop(options.release, None)
        before, others = [removal.plan for removal in (*under_way, *removals)], list(inventories.values())
        removal = _planned(cluster, options, stored, others, before, Deadline(options.seconds))
        removals.append(removal)
        _leave(inventories, removal)
    return removals


def _leave(inventories: dict[str, Inventory], removal: Removal) -> None:
    """The inventories as they are after a removal."""
    inventories.pop(removal.own.release, None)
    left = removal.left
    if left:
        inventories[left.release] = left


def _planned(
    cluster: Cluster,
    options: AbsentOptions,
    stored: Inventory | None,
    others: list[Inventory],
    before: list[Plan],
    deadline: Deadline,
) -> Removal:
    unreadable: list[str] = []
    if stored is None:
        entries, unreadable = find_labelled(cluster, options.release, deadline)
        own = Inventory(options.release).with_entries(entries)
    else:
        own = stored.with_entries([*_passed_on(cluster, options.release, before, deadline), *stored.entries])
    plan = plan_leaving(cluster, own, others, own.entries, options.policy, deadline, before)
    if own.entries:
        plan.warnings += [f"without an inventory, objects of this kind cannot be found: {kind}" for kind in unreadable]
    return Removal(stored, own, plan)


def _passed_on(cluster: Cluster, release: str, before: Iterable[Plan], deadline: Deadline) -> list[Entry]:
    """The namespaces that another release has passed on to this one when it left, or does by a plan before."""
    items = cluster.list("v1", "Namespace", None, f"{RELEASE_LABEL}={release}", deadline)
    entries = [entry_of(item) for item in items if owned_set(item, FIELD_MANAGER) and release_of(item)]
    coming = {name for name, heir in passed_on(before).items() if heir == release}
    steps = [step for plan in before for step in plan.of(Action.GIVE_BACK) if step.ref.kind == "Namespace"]
    return entries + [entry_of(step.live) for step in steps if step.live and step.ref.name in coming]
