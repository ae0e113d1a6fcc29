# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps for what leaves a release and neither contains nor defines other objects."""

from __future__ import annotations

from ..client.cluster import FIELD_MANAGER
from ..inventory.inventory import Entry
from ..inventory.managed_fields import owned_fields, owned_set
from ..objects import Document, ObjectRef
from .give_back import give_back
from .holding import what_holds
from .plan import Action, Plan, Step
from .policy import Scene
from .verdicts import is_generated, stranger, verdict

CLAIM = "PersistentVolumeClaim"


def plan_objects(scene: Scene, live: dict[Entry, Document], staying: frozenset[Entry]) -> Plan:
    """Steps in the order of the references; `staying` are the entries that the release goes on having."""
    plan = Plan(scene.own.release)
    volumes = {entry.ref.namespace for entry in staying if entry.ref.kind == CLAIM}
    # Claims first: a password stays as long as the data that it opens.
    for entry, item in sorted(live.items(), key=lambda pair: (pair[0].ref.kind != CLAIM, pair[0].ref)):
        why = stranger(entry, item, scene.own.release)
        if why:
            plan.warnings.append(f"{ObjectRef.of(item)} is left alone: {why}")
            continue
        step = _step(scene, entry, item, volumes)
        if step is None:
            continue
        plan.steps.append(step)
        if step.action is Action.KEEP and entry.ref.kind == CLAIM:
            volumes.add(entry.ref.namespace)
    return plan


def deleted_data(scene: Scene, plan: Plan, live: dict[Entry, Document]) -> list[str]:
    """The warning that names the data which the plan deletes; none when it deletes none."""
    doomed = {step.ref.identity for step in plan.of(Action.DELETE)}
    lost = [ObjectRef.of(item) for entry, item in sorted(live.items()) if _is_lost(entry, item, doomed)]
    if not lost:
        return []
    named = ", ".join(str(ref) for ref in lost)
    hint = scene.policy.data_hint or "Name it in the option keep to keep it"
    return [f"the data of release '{scene.own.release}' is deleted for good: {named}. {hint}"]


def own_step(scene: Scene, item: Document, action: Action, reason: str) -> Step | None:
    """The step of `action` on an object of ours; None where nothing of ours is on it."""
    if action is Action.GIVE_BACK:
        if not owned_set(item, FIELD_MANAGER):
            return None
        return give_back(scene.cluster, item, FIELD_MANAGER, reason, scene.deadline)
    if action is Action.WAIT_GONE:
        reason = what_holds(scene.cluster, item, scene.deadline)
    before = owned_fields(item, FIELD_MANAGER) if action is Action.DELETE else {}
    return Step(action, ObjectRef.of(item), reason, live=item, before=before)


def _step(scene: Scene, entry: Entry, item: Document, volumes: set[str]) -> Step | None:
    action, reason = verdict(entry, item)
    if action is Action.DELETE:
        if scene.policy.keeps(item):
            action, reason = Action.KEEP, "the option keep says so"
        elif not scene.policy.whole and (entry.is_data or entry.ref.kind == CLAIM):
            action, reason = Action.KEEP, "it is data, which goes only with the whole release"
        elif entry.ref.namespace in volumes and entry.ref.kind == "Secret" and is_generated(entry, item):
            action, reason = Action.KEEP, "a volume that stays may need it"
    return own_step(scene, item, action, reason)


def _is_lost(entry: Entry, item: Document, doomed: set[tuple[str, str, str, str]]) -> bool:
    return entry.ref.identity in doomed and is_generated(entry, item)
