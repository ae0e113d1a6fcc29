# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps for CRDs that leave a release, and for what others have of their kinds."""

from __future__ import annotations

from ...inventory.inventory import Entry
from ...objects import Document, ObjectRef
from ..plan import Action, Blocker, Plan, Step
from .holding import instances_of, served_version
from .instances import Instance, foreign_instances
from .objects import own_step
from .obstacles import instances_left, role_of
from .policy import Scene
from .verdicts import stranger, verdict

MOST_NAMED, MOST_PURGED = 5, 20
CONTROLLER_KINDS = frozenset({"Deployment", "StatefulSet", "DaemonSet"})


def plan_definitions(scene: Scene, definitions: dict[Entry, Document], live: dict[Entry, Document]) -> Plan:
    """Steps for the CRDs and, with purge, for the objects of others; without, what they forbid. `live` is all that is
    there of what leaves."""
    plan = Plan(scene.own.release)
    decided: dict[Action, list[tuple[Document, str]]] = {action: [] for action in Action}
    for entry, item in sorted(definitions.items(), key=lambda pair: pair[0].ref):
        why = stranger(entry, item, scene.own.release)
        if why:
            plan.warnings.append(f"{ObjectRef.of(item)} is left alone: {why}")
            continue
        action, reason = verdict(entry, item, scene.policy.whole)
        if action is Action.DELETE and scene.policy.keeps(item):
            action, reason = Action.KEEP, "the option keep says so"
        decided[action].append((item, reason))
    _delete(scene, plan, decided.pop(Action.DELETE))
    for action, items in decided.items():
        steps = [own_step(scene, item, action, reason) for item, reason in items]
        plan.steps += [step for step in steps if step]
    _tell_of_returned(scene, plan)
    if scene.policy.whole and not any(entry.ref.kind in CONTROLLER_KINDS for entry in live):
        plan.blockers += [blocker for step in plan.of(Action.WAIT_GONE) for blocker in _held(scene, step)]
    return plan


def _delete(scene: Scene, plan: Plan, doomed: list[tuple[Document, str]]) -> None:
    instances = _instances(scene, [item for item, _reason in doomed])
    ours = [found for found in instances if found.ref.identity in scene.own.by_identity]
    others = [found for found in instances if found not in ours]
    kept = ours if scene.policy.whole else instances
    for item, reason in doomed:
        of_kind = [found for found in kept if _defines(item, found)]
        if of_kind:
            reason = f"{len(of_kind)} object(s) of its kind stay, such as {of_kind[0]}"
            plan.steps.append(Step(Action.KEEP, ObjectRef.of(item), reason, live=item))
            if not scene.policy.whole:
                plan.warnings.append(f"{ObjectRef.of(item)} is kept although the release has it no more: {reason}")
        else:
            hidden = _hidden(scene, item)
            plan.blockers += [hidden] if hidden else []
            step = own_step(scene, item, Action.DELETE, reason)
            plan.steps += [step] if step else []
    if scene.policy.whole:
        _settle(scene, plan, others)


def _settle(scene: Scene, plan: Plan, others: list[Instance]) -> None:
    """Purge what others have of the kinds, or let it forbid the removal. Other releases of ours are never purged."""
    purged = [found for found in others if scene.policy.purge and not found.release]
    plan.blockers += instances_left(scene.own.release, [found for found in others if found not in purged])
    if not purged:
        return
    reason = "purged: it is of a kind that goes, and not of the release"
    plan.steps += [Step(Action.DELETE, found.ref, reason, live=found.live) for found in purged]
    plan.warnings.append(
        f"{len(purged)} object(s) of others are deleted with release '{scene.own.release}': "
        + _listed(purged, MOST_PURGED)
    )


def _tell_of_returned(scene: Scene, plan: Plan) -> None:
    returned = [step.live for step in plan.of(Action.GIVE_BACK) if step.live]
    left = _instances(scene, returned) if scene.policy.whole else []
    if left:
        plan.warnings.append(
            f"{len(left)} object(s) of CRDs that are given back lose the release's controllers: "
            + _listed(left, MOST_NAMED)
        )


def _listed(found: list[Instance], most: int) -> str:
    """The first of them by name; all stand in the plan."""
    return ", ".join(map(str, found[:most])) + (f" and {len(found) - most} more" if len(found) > most else "")


def _hidden(scene: Scene, item: Document) -> Blocker | None:
    """What forbids to delete a CRD whose objects nobody can list, because none of its versions is served."""
    if served_version(item) or scene.policy.purge:
        return None
    what = "none of its versions is served, so that nobody can tell what objects of its kind there are"
    remedy = f"Have one served again, or set {role_of(scene.own.release)}_purge: true to delete it with all of them"
    return Blocker(str(ObjectRef.of(item)), what, remedy)


def _held(scene: Scene, step: Step) -> list[Blocker]:
    """What a CRD waits for that is being deleted while no controller of the release is there."""
    if step.live is None or not instances_of(scene.cluster, step.live, scene.deadline):
        return []
    what = f"is being deleted and cannot go: {step.reason.partition(': ')[2]}; no controller of the release is running"
    return [
        Blocker(str(step.ref), what, "Run site.yml, which brings the controllers back, and remove the release then")
    ]


def _instances(scene: Scene, definitions: list[Document]) -> list[Instance]:
    return foreign_instances(
        scene.cluster, definitions, scene.going, scene.others, scene.policy.residue, scene.deadline
    )


def _defines(definition: Document, found: Instance) -> bool:
    spec = definition["spec"]
    return (spec["group"], spec["names"]["kind"]) in found.kinds
