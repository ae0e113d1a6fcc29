# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a release to what its documents say: one plan, then its execution, with the inventory written around it."""

from __future__ import annotations

from collections.abc import Callable

from ..client.cluster import Cluster
from ..deadline import Deadline
from ..desired.stages import WEBHOOK_KINDS
from ..errors import ApiError, Refused, ReleaseError
from ..inventory.former import delete_former, manager_of, owned_document, write_former
from ..inventory.inventory import Entry, Inventory
from ..inventory.ownership import Origin, uid_of
from ..inventory.run_lock import RunLock
from ..inventory.store import delete_inventory, inventory_name, write_inventory
from ..objects import Document, ObjectRef, matches
from ..plan.bookkeeping import inventory_blockers, lock_blockers
from ..plan.outcome import Outcome
from ..plan.plan import Action, Plan, Step, refusal
from ..plan.present.entries import entries_after
from ..plan.present.options import PresentOptions
from ..plan.present.planner import Prepared, plan_present
from ..plan.refusals import explain
from ..remove.execute import carry_out
from ..wait.readiness import wait_list
from ..wait.targets import Target
from ..wait.waiting import wait_for
from .execute import Execution
from .gates import await_authorities


def apply_release(
    cluster: Cluster,
    documents: list[Document],
    options: PresentOptions,
    deadline: Deadline,
    progress: Callable[[str], None],
    lock: RunLock | None = None,
) -> Outcome:
    """Apply all `documents` as one release. Raises ReleaseError, WaitError or ClusterError.

    What forbids the run is told before anything is written, in check mode too. What was applied before a later error
    stays and is in the inventory, so that the next run goes on from there. A run that changes nothing takes no lock.
    """
    prepared = _prepare(cluster, documents, options, deadline, lock)
    if prepared.plan.blockers and lock and lock.await_others():
        prepared = _prepare(cluster, documents, options, deadline, lock)
    _stop_on_blockers(prepared.plan)
    if options.check_mode:
        outcome = Outcome.of(prepared.plan)
    elif not prepared.plan.changes or lock is None:
        outcome = _carry_out(cluster, prepared, options, deadline, progress)
    else:
        with lock.held() as waited:
            if waited:
                deadline = Deadline(deadline.seconds)
                prepared = _prepare(cluster, documents, options, deadline, lock)
                _stop_on_blockers(prepared.plan)
            outcome = _carry_out(cluster, prepared, options, deadline, progress)
    outcome.left = prepared.is_left
    outcome.is_calm = _is_calm(prepared.plan) and not _upgraded_from(prepared, options)
    outcome.wait = wait_list(prepared.documents)
    return outcome


def _prepare(
    cluster: Cluster, documents: list[Document], options: PresentOptions, deadline: Deadline, lock: RunLock | None
) -> Prepared:
    """The plan, with what forbids the run to keep its own books."""
    prepared = plan_present(cluster, documents, options, deadline)
    if prepared.plan.changes:
        after = prepared.inventory or Inventory(options.release)
        place = options.record_namespace
        prepared.plan.blockers += inventory_blockers(cluster, options.release, after, place, deadline)
        prepared.plan.blockers += lock_blockers(lock, deadline)
    return prepared


def _stop_on_blockers(plan: Plan) -> None:
    if plan.blockers:
        raise Refused(refusal(f"release '{plan.release}' is not applied, nothing was changed", plan.blockers))


def _carry_out(
    cluster: Cluster, prepared: Prepared, options: PresentOptions, deadline: Deadline, progress: Callable[[str], None]
) -> Outcome:
    plan = prepared.plan
    keeper = _InventoryKeeper(cluster, prepared, options, deadline)
    if plan.changes:
        keeper.keep_former(progress)
        keeper.begin()
    execution = Execution(
        cluster, options.release, deadline, progress, options.force_conflicts, options.role, options.data
    )
    _execute(execution, [step for step in plan.steps if not _leaves(step)], prepared, options)
    leaving = [step for step in plan.steps if _leaves(step)]
    if leaving:
        carry_out(cluster, options.release, leaving, deadline, progress, plan.inhabited)
    keeper.end(execution.done)
    outcome = Outcome(plan)
    kept = [step for step in plan.of(Action.KEEP) if step.document is None and step not in execution.done]
    for step in [*execution.done, *leaving, *kept]:
        outcome.count(step)
    return outcome


def _execute(execution: Execution, steps: list[Step], prepared: Prepared, options: PresentOptions) -> None:
    """Apply the steps; in a release that stands, what is to come last when the others are rolled out."""
    last = [step for step in steps if step.document and any(matches(one, step.document) for one in options.last)]
    first = [step for step in steps if step not in last]
    if not (prepared.inventory and prepared.inventory.version and _writes(first) and _writes(last)):
        execution.run(steps)
        return
    execution.run(first)
    targets = [Target.from_item(item) for item in wait_list([step.document for step in first if step.document])]
    wait_for(execution.cluster, targets, execution.deadline, execution.progress)
    execution.run(last)
    configurations = [step.ref for step in last if step.document and step.document["kind"] in WEBHOOK_KINDS]
    await_authorities(execution.cluster, configurations, execution.deadline, execution.progress)


def _writes(steps: list[Step]) -> bool:
    return any(step.action is not Action.KEEP for step in steps)


def _is_calm(plan: Plan) -> bool:
    """Whether all is as it was, or all is new. A namespace may have been there before what comes into it."""
    return not plan.changes or all(step.live is None or step.ref.kind == "Namespace" for step in plan.steps)


def _upgraded_from(prepared: Prepared, options: PresentOptions) -> str:
    """The version that an upgrade leaves, this run's or one that has not come to its end; '' for none."""
    stored = prepared.inventory
    before = (stored.before or stored.version) if stored else ""
    return before if options.upgrade and before != options.version else ""


def _leaves(step: Step) -> bool:
    """Whether a step is about an object that the release no longer wants."""
    return step.action in (Action.DELETE, Action.GIVE_BACK) or (
        step.action is Action.WAIT_GONE and step.document is None
    )


class _InventoryKeeper:
    """Writes the inventory: before anything is touched with the union of old and new, and exactly at the end."""

    def __init__(self, cluster: Cluster, prepared: Prepared, options: PresentOptions, deadline: Deadline) -> None:
        self.cluster = cluster
        self.options = options
        self.deadline = deadline
        self.plan = prepared.plan
        self.stored = prepared.inventory
        self.old = prepared.inventory or Inventory(options.release)
        after = entries_after(prepared.plan.steps, prepared.inventory, options.data)
        # Without pruning, what the release had before stays its own.
        self.after = after if options.prune else [*self.old.entries, *after]
        self.former = _upgraded_from(prepared, options)

    def keep_former(self, progress: Callable[[str], None]) -> None:
        """Keep what stands until an upgrade is complete; of one that has begun before, what was kept then stays."""
        if not self.former or self.old.before:
            return
        release, namespace = self.options.release, self.options.record_namespace
        try:
            write_former(self.cluster, release, self.former, self._standing(), namespace, self.deadline)
        except ReleaseError as error:
            progress(f"{error}: there will be no way back")

    def _standing(self) -> list[Document]:
        """What the release has applied to its objects, as it is before this run."""
        known = self.old.by_identity
        return [
            owned_document(step.live, manager_of(known[step.ref.identity].origin, self.options.release))
            for step in self.plan.steps
            if step.live is not None and step.ref.identity in known
        ]

    def begin(self) -> None:
        union = [*self.old.entries, *self.after]
        self._write(
            Inventory(
                self.options.release,
                version=self.old.version,
                applying=self.options.version,
                former=self.old.former,
                requires=self.options.requires,
            ).with_entries(union)
        )

    def end(self, done: list[Step]) -> None:
        uids = {step.ref.identity: uid_of(step.live) for step in done}
        adopted = {step.ref.identity for step in done if step.action is Action.ADOPT}
        entries = [
            Entry(
                entry.ref,
                Origin.ADOPTED if entry.ref.identity in adopted else entry.origin,
                uids.get(entry.ref.identity) or entry.uid,
                entry.is_data,
            )
            for entry in self.after
        ]
        inventory = Inventory(
            self.options.release,
            version=self.options.version,
            former=self.former,
            requires=self.options.requires,
        )
        self._write(inventory.with_entries(entries))
        if self.old.before and not self.former:
            delete_former(self.cluster, self.options.release, self.options.record_namespace, self.deadline)

    def _write(self, inventory: Inventory) -> None:
        if inventory == self.stored or (self.stored is None and not inventory.entries):
            return
        namespace = self.options.record_namespace
        try:
            if inventory.entries:
                write_inventory(self.cluster, inventory, namespace, self.deadline)
            else:
                # A release that wants nothing any more, such as the secret of a registry that is not used now.
                delete_inventory(self.cluster, inventory.release, namespace, self.deadline)
        except ApiError as error:
            ref = ObjectRef("v1", "ConfigMap", namespace, inventory_name(inventory.release))
            raise ReleaseError(explain(ref, error)) from error
        self.stored = inventory if inventory.entries else None
