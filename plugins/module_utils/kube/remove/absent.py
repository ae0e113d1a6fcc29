# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes a release away: custom resources while their controllers live, CRDs and namespaces last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..apply.refusals import explain
from ..client.cluster import FIELD_MANAGER, Cluster
from ..deadline import Deadline
from ..desired.stages import WEBHOOK_KINDS, WORKLOAD_KINDS, is_custom
from ..errors import ApiError, ReleaseError
from ..inventory.lookup import labelled, live_of
from ..inventory.record import (
    ADOPTED_ANNOTATION,
    MANAGED_BY,
    MANAGED_BY_LABEL,
    RELEASE_LABEL,
    Record,
    delete_record,
    read_record,
    write_record,
)
from ..objects import Document, ObjectRef, matches
from ..parallel import for_each
from ..plan.dependents import foreign_instances, other_release
from ..plan.outcome import Outcome
from ..plan.prune import belongs_to, is_adopted
from .gone import await_gone
from .residue import sweep

# The dependents of these (pods, revisions...) must be gone too before the next step.
FOREGROUND_KINDS = WORKLOAD_KINDS - {"APIService"}


@dataclass
class AbsentOptions:
    """See the release module: `keep` are matchers, `residue` are rules for leftovers of controllers, `purge` deletes
    CRDs although others have objects of their kinds."""

    release: str
    record_namespace: str = "kube-system"
    keep: list[dict[str, Any]] = field(default_factory=list)
    residue: list[dict[str, Any]] = field(default_factory=list)
    purge: bool = False
    check_mode: bool = False


def remove_release(
    cluster: Cluster, options: AbsentOptions, deadline: Deadline, progress: Callable[[str], None]
) -> Outcome:
    """Delete what belongs to the release, step by step, each step gone before the next. Raises ReleaseError."""
    cluster.discovery.ensure(deadline)
    outcome = Outcome()
    recorded = read_record(cluster, options.release, options.record_namespace, deadline)
    if recorded is not None:
        found = live_of(cluster, recorded.objects, deadline)
    else:
        found = labelled(cluster, options.release, deadline)
    doomed: list[ObjectRef] = []
    for ref, live in sorted(found.items()):
        _decide(cluster, options, ref, live, doomed, outcome, deadline)
    _keep_homes(doomed, outcome)
    for step in _steps(doomed):
        _delete_step(cluster, options, step, found, outcome, deadline, progress)
    outcome.deleted += sweep(cluster, options.residue, options.check_mode, deadline)
    if recorded is not None and not options.check_mode:
        if outcome.kept:
            left = Record(frozenset(outcome.kept), recorded.version)
            write_record(cluster, options.release, options.record_namespace, left, deadline)
        else:
            delete_record(cluster, options.release, options.record_namespace, deadline)
    return outcome


def _decide(
    cluster: Cluster,
    options: AbsentOptions,
    ref: ObjectRef,
    live: Document,
    doomed: list[ObjectRef],
    outcome: Outcome,
    deadline: Deadline,
) -> None:
    """Sort one object into deleted, given back, or kept."""
    if (live["metadata"].get("labels") or {}).get(RELEASE_LABEL) != options.release:
        if ref.kind == "Namespace":
            _give_back(cluster, options, ref, f"{FIELD_MANAGER}/{options.release}", deadline)
        return
    heir = other_release(live, options.release) if ref.kind == "Namespace" else None
    if heir or is_adopted(live):
        _give_back(cluster, options, ref, FIELD_MANAGER, deadline, _inheritance(live, heir))
        outcome.returned.append(ref)
    elif any(matches(matcher, live) for matcher in options.keep):
        outcome.kept.append(ref)
    elif ref.kind == "CustomResourceDefinition" and not options.purge:
        foreign = foreign_instances(cluster, live, options.release, deadline)
        if foreign:
            outcome.kept.append(ref)
            outcome.warnings.append(
                f"{ref} is kept: {len(foreign)} object(s) of its kind are not of this release, such as {foreign[0]}; "
                "delete them, or set purge to delete them with it"
            )
        else:
            doomed.append(ref)
    else:
        doomed.append(ref)


def _keep_homes(doomed: list[ObjectRef], outcome: Outcome) -> None:
    """A namespace with something kept in it is kept as well."""
    homes = {ref.namespace for ref in outcome.kept}
    for ref in [ref for ref in doomed if ref.kind == "Namespace" and ref.name in homes]:
        doomed.remove(ref)
        outcome.kept.append(ref)


def _give_back(
    cluster: Cluster,
    options: AbsentOptions,
    ref: ObjectRef,
    manager: str,
    deadline: Deadline,
    inheritance: dict[str, Any] | None = None,
) -> None:
    """Apply nothing but the name and `inheritance`: the server takes off every other field that only we owned."""
    metadata: dict[str, Any] = {"name": ref.name, **(inheritance or {})}
    if ref.namespace:
        metadata["namespace"] = ref.namespace
    bare = {"apiVersion": ref.api_version, "kind": ref.kind, "metadata": metadata}
    try:
        cluster.apply(bare, manager=manager, force=True, dry_run=options.check_mode, deadline=deadline)
    except ApiError as error:
        raise ReleaseError(explain(ref, error)) from error


def _inheritance(live: Document, heir: str | None) -> dict[str, Any]:
    """The metadata by which a shared namespace passes to the release that stays in it."""
    if heir is None:
        return {}
    passed: dict[str, Any] = {"labels": {MANAGED_BY_LABEL: MANAGED_BY, RELEASE_LABEL: heir}}
    if is_adopted(live):
        passed["annotations"] = {ADOPTED_ANNOTATION: "true"}
    return passed


def _steps(doomed: list[ObjectRef]) -> list[list[ObjectRef]]:
    """Refs in the order of removal; within a step all at once."""

    def step_of(ref: ObjectRef) -> int:
        if is_custom(ref.api_version):
            return 0  # while the controllers that hold their finalizers are alive
        if ref.kind in WEBHOOK_KINDS or ref.kind == "APIService":
            return 1  # before their servers, or they block the rest
        if ref.kind in WORKLOAD_KINDS:
            return 2
        return {"CustomResourceDefinition": 4, "Namespace": 5}.get(ref.kind, 3)

    return [[ref for ref in doomed if step_of(ref) == step] for step in range(6)]


def _delete_step(
    cluster: Cluster,
    options: AbsentOptions,
    refs: list[ObjectRef],
    found: dict[ObjectRef, Document],
    outcome: Outcome,
    deadline: Deadline,
    progress: Callable[[str], None],
) -> None:
    def delete(ref: ObjectRef) -> None:
        foreground = ref.kind in FOREGROUND_KINDS or is_custom(ref.api_version)
        try:
            cluster.delete(
                ref.api_version,
                ref.kind,
                ref.name,
                ref.namespace,
                uid=found[ref]["metadata"]["uid"],
                propagation="Foreground" if foreground else "Background",
                dry_run=options.check_mode,
                deadline=deadline,
            )
        except ApiError as error:
            raise ReleaseError(explain(ref, error)) from error

    errors = for_each(delete, [ref for ref in refs if belongs_to(found[ref], options.release)])[1]
    if errors:
        raise ReleaseError(f"removing release '{options.release}': " + "\n".join(str(error) for error in errors))
    if not options.check_mode:
        await_gone(cluster, options.release, refs, found, deadline, progress)
    outcome.deleted += refs
