# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes releases away as their plans say: nothing is written before all that forbids any of them is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from ..client.cluster import Cluster
from ..deadline import Deadline
from ..errors import KubeError, Refused, ReleaseError
from ..inventory.former import delete_former
from ..inventory.inventory import Inventory
from ..inventory.lookup import entry_of
from ..inventory.run_lock import RunLock
from ..inventory.store import delete_inventory, jobs_release, read_inventories, write_inventory
from ..plan.bookkeeping import inventory_blockers, lock_blockers
from ..plan.leaving.rehearsal import AbsentOptions, Removal, rehearse
from ..plan.plan import Plan, Step, refusal
from ..rights.needed import rights_of_removal
from ..rights.review import lacking, refused_rights, told
from .departures import Departures
from .execute import carry_out

Tell = Callable[[str], None]


def remove_releases(
    cluster: Cluster,
    leaving: Sequence[AbsentOptions],
    progress: Tell,
    lock: RunLock | None = None,
    *,
    record_namespace: str = "kube-system",
    check_mode: bool = False,
) -> list[Plan]:
    """Remove releases in this order, some beside those before them, see departures.py, and give their plans.

    Raises ReleaseError, before the first write where something forbids one of them; in check mode too, which writes
    nothing.

    What is kept stays in the inventory; without any the inventory goes last, so that a run that dies is gone on with.
    A run that writes nothing takes no lock.
    """
    if not leaving:
        return []
    deadline = Deadline(max(options.seconds for options in leaving))
    stored = read_inventories(cluster, record_namespace, deadline)
    leaving = _with_jobs(leaving, stored)
    _stop_without_rights(cluster, leaving, stored, deadline)
    removals = _rehearse(cluster, leaving, record_namespace, lock)
    if _are_blocked(removals) and lock and lock.await_others():
        removals = _rehearse(cluster, leaving, record_namespace, lock)
    _stop_on_blockers(removals)
    if check_mode or not any(removal.writes for removal in removals):
        return [removal.plan for removal in removals]
    if lock is None:
        return _carry_out_all(cluster, leaving, removals, progress, record_namespace)
    with lock.held() as waited:
        if waited:
            removals = _rehearse(cluster, leaving, record_namespace, lock)
            _stop_on_blockers(removals)
        return _carry_out_all(cluster, leaving, removals, progress, record_namespace)


def remove_release(
    cluster: Cluster,
    options: AbsentOptions,
    progress: Tell,
    lock: RunLock | None = None,
    *,
    record_namespace: str = "kube-system",
    check_mode: bool = False,
) -> Plan:
    """Remove one release, see `remove_releases`."""
    plans = remove_releases(
        cluster, [options], progress, lock, record_namespace=record_namespace, check_mode=check_mode
    )
    return next(plan for plan in plans if plan.release == options.release)


def _with_jobs(leaving: Sequence[AbsentOptions], stored: Iterable[Inventory]) -> list[AbsentOptions]:
    """The releases, each after the jobs of an upgrade of it that was broken off, where there are any."""
    known = {inventory.release for inventory in stored}
    named = {options.release for options in leaving}
    found = []
    for options in leaving:
        jobs = jobs_release(options.release)
        if jobs in known - named:
            found.append(AbsentOptions(jobs, seconds=options.seconds))
        found.append(options)
    return found


def _stop_without_rights(
    cluster: Cluster, leaving: Sequence[AbsentOptions], stored: Iterable[Inventory], deadline: Deadline
) -> None:
    """Name all kinds at once of which the user may not see what others have; the plan would stop at the first."""
    names = {options.release for options in leaving}
    rights = rights_of_removal(entry for one in stored if one.release in names for entry in one.entries)
    missing = told(lacking(cluster, rights, deadline)) if rights else []
    if missing:
        raise Refused(f"nothing was changed: {refused_rights(missing)}")


def _rehearse(
    cluster: Cluster,
    leaving: Sequence[AbsentOptions],
    record_namespace: str,
    lock: RunLock | None,
    under_way: Sequence[Removal] = (),
) -> list[Removal]:
    """The removals, with what forbids the run to keep its own books."""
    removals = rehearse(cluster, leaving, record_namespace, under_way)
    writing = [(options, removal) for options, removal in zip(leaving, removals, strict=True) if removal.writes]
    for options, removal in writing:
        deadline = Deadline(options.seconds)
        removal.plan.blockers += inventory_blockers(cluster, options.release, removal.left, record_namespace, deadline)
    for options, removal in writing[:1]:
        removal.plan.blockers += lock_blockers(lock, Deadline(options.seconds))
    return removals


def _carry_out_all(
    cluster: Cluster, leaving: Sequence[AbsentOptions], removals: list[Removal], progress: Tell, record_namespace: str
) -> list[Plan]:
    def work(removal: Removal, options: AbsentOptions, freed: Callable[[], None]) -> None:
        _carry_out(cluster, removal, options, progress, record_namespace, freed)

    plans: list[Plan] = []
    with ThreadPoolExecutor(len(removals)) as pool:
        departures = Departures(pool, removals, work)
        pairs = list(zip(leaving, removals, strict=True))
        for options, removal in pairs:
            if _leaves_at_once(removal, options):
                departures.begin(removal, options)
        late: list[KubeError] = []
        has_written = False
        try:
            for options, rehearsed in pairs:
                removal = rehearsed
                if not _leaves_at_once(rehearsed, options):
                    departures.await_turn(options.release)
                    if has_written:
                        # The removals before took their time: what others have made in it counts too.
                        under_way = departures.under_way
                        removal = _rehearse(cluster, [options], record_namespace, None, under_way)[0]
                        _stop_on_late_blockers(removal.plan)
                    departures.begin(removal, options)
                    has_written = has_written or removal.writes
                plans.append(removal.plan)
        except KubeError as error:
            late.append(error)
        departures.await_end(late)
    return plans


def _carry_out(
    cluster: Cluster,
    removal: Removal,
    options: AbsentOptions,
    progress: Tell,
    record_namespace: str,
    freed: Callable[[], None],
) -> None:
    plan, deadline = removal.plan, Deadline(options.seconds)
    for warning in plan.warnings:
        progress(f"{plan.release}: {warning}")

    def record(parts: list[Step]) -> None:
        own = removal.own
        if removal.stored is None:
            return  # a release without an inventory is found by its labels, and so are these
        known = own.with_entries([*own.entries, *(entry_of(step.live) for step in parts if step.live)])
        write_inventory(cluster, known, record_namespace, deadline)

    carry_out(
        cluster,
        plan.release,
        plan.steps,
        deadline,
        progress,
        plan.inhabited,
        grace_seconds=options.policy.grace_seconds,
        record=record,
        freed=freed,
    )
    left = removal.left
    if left and left != removal.stored:
        write_inventory(cluster, left, record_namespace, deadline)
    elif not left and removal.stored is not None:
        if removal.stored.before:
            delete_former(cluster, plan.release, record_namespace, deadline)
        delete_inventory(cluster, plan.release, record_namespace, deadline)


def _leaves_at_once(removal: Removal, options: AbsentOptions) -> bool:
    """Whether it waits for none before it: those after it would wait for a release that is not there, too."""
    return options.beside or not removal.is_there


def _are_blocked(removals: list[Removal]) -> bool:
    return any(removal.plan.blockers for removal in removals)


def _stop_on_blockers(removals: list[Removal]) -> None:
    if not _are_blocked(removals):
        return
    found = [removal.plan.release for removal in removals if removal.is_there or removal.plan.blockers]
    names = ", ".join(f"'{release}'" for release in found)
    what = f"release {names} is not" if len(found) == 1 else f"none of the releases {names} is"
    raise ReleaseError(
        refusal(f"{what} removed, nothing was changed", *(removal.plan.blockers for removal in removals))
    )


def _stop_on_late_blockers(plan: Plan) -> None:
    if plan.blockers:
        raise ReleaseError(refusal(f"release '{plan.release}' is not removed; this came meanwhile", plan.blockers))
