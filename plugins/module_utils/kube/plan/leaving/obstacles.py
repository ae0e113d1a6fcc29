# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What forbids the removal of a whole release: objects and releases that need it. All of it is found at once."""

from __future__ import annotations

from typing import Any

from ...inventory.inventory import Inventory
from ...objects import ObjectRef
from ..plan import Action, Blocker, Plan
from .dependents import find_dependents
from .instances import Instance
from .policy import Scene

MOST_NAMED = 5

# Roles by release, where the name alone does not tell.
_ROLES = {
    "istio-operator": "istio",
    "istio-operator-mesh": "istio",
    "istio-operator-gateway": "istio",
    "knative-serving": "knative",
    "knative-eventing": "knative",
    "knative-operator": "knative",
    "knative-operator-serving": "knative",
    "knative-operator-eventing": "knative",
}


def role_of(release: str) -> str:
    """The role, and so the tag and the prefix of the options, that has a release."""
    return _ROLES.get(release, release.replace("-", "_"))


def needed_by(release: str, others: list[Inventory]) -> list[Blocker]:
    """Releases of ours that say that they need this one."""
    return [_needs(release, inventory.release) for inventory in others if release in inventory.requires]


def instances_left(release: str, instances: list[Instance]) -> list[Blocker]:
    """Objects of the release's kinds; those of other releases of ours count as that release's need."""
    blockers = []
    for instance in instances:
        if instance.release:
            blockers.append(_needs(release, instance.release))
        else:
            what = f"is not of release '{release}' and cannot be without it"
            remedy = f"Delete it, or set {role_of(release)}_purge: true to have it deleted"
            blockers.append(Blocker(str(instance), what, remedy))
    return blockers


def plan_obstacles(scene: Scene, plan: Plan) -> Plan:
    """Releases and objects that would break without the whole release; `plan` is what is planned so far."""
    found = Plan(scene.own.release, blockers=needed_by(scene.own.release, scene.others))
    leaving = {step.ref.name for step in plan.of(Action.GIVE_BACK, Action.DELETE) if step.ref.kind == "Namespace"}
    told: dict[str, list[ObjectRef]] = {}
    for rule, item in find_dependents(scene.cluster, scene.policy.dependents, scene.going, scene.deadline):
        ref = ObjectRef.of(item)
        if ref.kind == "Namespace" and ref.name in leaving | scene.returned:
            continue  # it stops asking for the release by this very plan, or by one before it
        if rule.get("blocks", True) and ref.namespace not in leaving and not scene.policy.purge:
            found.blockers.append(_dependent(scene.own.release, ref, rule))
        else:
            told.setdefault(rule["what"], []).append(ref)
    found.warnings += [_told(what, refs) for what, refs in sorted(told.items())]
    return found


def _dependent(release: str, ref: ObjectRef, rule: dict[str, Any]) -> Blocker:
    remedy = f"Change that first, or set {role_of(release)}_purge: true to remove the release all the same"
    return Blocker(str(ref), rule["what"], remedy)


def _told(what: str, refs: list[ObjectRef]) -> str:
    named = ", ".join(str(ref) for ref in refs[:MOST_NAMED])
    more = f" and {len(refs) - MOST_NAMED} more" if len(refs) > MOST_NAMED else ""
    return f"{named}{more}: {what}"


def _needs(release: str, other: str) -> Blocker:
    remedy = f"Remove that first: ansible-playbook selfhosted.serverless.uninstall --tags {role_of(other)}"
    return Blocker(f"release '{release}'", f"release '{other}' needs it", remedy)
