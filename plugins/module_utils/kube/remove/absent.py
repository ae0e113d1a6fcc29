# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes a release away as its plan says: nothing is written before all that forbids it is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from ..client.cluster import Cluster
from ..deadline import Deadline
from ..errors import ReleaseError
from ..inventory.inventory import Inventory
from ..inventory.lookup import entry_of, find_labelled
from ..inventory.ownership import MANAGED_BY, MANAGED_BY_LABEL, RELEASE_LABEL
from ..inventory.store import delete_inventory, read_inventories, write_inventory
from ..plan.leaving import LeavingPolicy, plan_leaving
from ..plan.plan import Action, Plan, refusal
from .execute import carry_out


@dataclass
class AbsentOptions:
    """The meanings are those of the release module's options; `without` counts in check mode alone."""

    release: str
    record_namespace: str = "kube-system"
    keep: list[dict[str, Any]] = field(default_factory=list)
    residue: list[dict[str, Any]] = field(default_factory=list)
    dependents: list[dict[str, Any]] = field(default_factory=list)
    purge: bool = False
    without: list[str] = field(default_factory=list)
    data_hint: str = ""
    check_mode: bool = False

    @property
    def policy(self) -> LeavingPolicy:
        return LeavingPolicy(
            keep=self.keep,
            residue=self.residue,
            dependents=self.dependents,
            purge=self.purge,
            # What has not been removed yet must not be taken for removed by a run that writes.
            without=frozenset(self.without) if self.check_mode else frozenset(),
            whole=True,
            data_hint=self.data_hint,
        )


def plan_removal(cluster: Cluster, options: AbsentOptions, deadline: Deadline) -> Plan:
    """What removing the release would do, and what forbids it. Writes nothing. Raises KubeError."""
    return _planned(cluster, options, deadline)[2]


def remove_release(
    cluster: Cluster, options: AbsentOptions, deadline: Deadline, progress: Callable[[str], None]
) -> Plan:
    """Remove the release and give its plan. Raises ReleaseError, before the first write where something forbids it.

    What is kept stays in the inventory; without any the inventory goes last, so that a run that dies is gone on with.
    """
    stored, own, plan = _planned(cluster, options, deadline)
    if plan.blockers:
        raise ReleaseError(refusal(options.release, "removed", plan.blockers))
    if options.check_mode:
        return plan
    for warning in plan.warnings:
        progress(f"{options.release}: {warning}")
    carry_out(cluster, options.release, plan.steps, deadline, progress)
    _remember(cluster, options, stored, own, plan, deadline)
    return plan


def _planned(cluster: Cluster, options: AbsentOptions, deadline: Deadline) -> tuple[Inventory | None, Inventory, Plan]:
    """The stored inventory, the release as it is on the cluster, and the plan."""
    cluster.discovery.ensure(deadline)
    inventories = read_inventories(cluster, options.record_namespace, deadline)
    stored = next((inventory for inventory in inventories if inventory.release == options.release), None)
    others = [inventory for inventory in inventories if inventory is not stored]
    unreadable: list[str] = []
    if stored is None:
        entries, unreadable = find_labelled(cluster, options.release, deadline)
        own = Inventory(options.release).with_entries(entries)
    else:
        own = _with_passed_on(cluster, stored, deadline)
    plan = plan_leaving(cluster, own, others, own.entries, options.policy, deadline)
    if own.entries:
        plan.warnings += [f"without an inventory, objects of this kind cannot be found: {kind}" for kind in unreadable]
    return stored, own, plan


def _with_passed_on(cluster: Cluster, stored: Inventory, deadline: Deadline) -> Inventory:
    """With the namespaces that another release has passed on to this one when it left."""
    selector = f"{RELEASE_LABEL}={stored.release},{MANAGED_BY_LABEL}={MANAGED_BY}"
    passed_on = [entry_of(item) for item in cluster.list("v1", "Namespace", None, selector, deadline)]
    return stored.with_entries([*passed_on, *stored.entries])


def _remember(
    cluster: Cluster,
    options: AbsentOptions,
    stored: Inventory | None,
    own: Inventory,
    plan: Plan,
    deadline: Deadline,
) -> None:
    kept = {step.ref.identity for step in plan.of(Action.KEEP)}
    stays = [entry for entry in own.entries if entry.ref.identity in kept]
    left = replace(own.with_entries(stays), applying="", requires=())
    if stays and left != stored:
        write_inventory(cluster, left, options.record_namespace, deadline)
    elif not stays and stored is not None:
        delete_inventory(cluster, options.release, options.record_namespace, deadline)
