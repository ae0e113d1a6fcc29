# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of the objects that a release no longer wants: deleted, given back, kept, or waited for."""

from __future__ import annotations

from collections.abc import Iterable

from ...client.cluster import Cluster
from ...deadline import Deadline
from ...inventory.inventory import Entry, Inventory
from ...inventory.lookup import find_live
from ...objects import Document
from ..plan import Action, Plan
from .definitions import plan_definitions
from .dry_runs import ask_the_server
from .namespaces import plan_namespaces
from .objects import deleted_data, plan_objects
from .obstacles import plan_obstacles, role_of
from .policy import LeavingPolicy, Scene
from .residue import plan_residue
from .waves import wave_of

__all__ = ["LeavingPolicy", "plan_leaving"]


def plan_leaving(
    cluster: Cluster,
    own: Inventory,
    others: list[Inventory],
    leaving: Iterable[Entry],
    policy: LeavingPolicy,
    deadline: Deadline,
    before: Iterable[Plan] = (),
) -> Plan:
    """The steps for the entries of `own` that leave, with what forbids them. Reads and rehearses; writes nothing.

    `others` are the inventories of all other releases. Plans of removals that come `before` this one count as carried
    out; `others` are then those that stand afterwards. A step KEEP stays in the inventory; an entry without a step is
    not there any more, or not ours (a warning names it), and is forgotten. Raises KubeError.
    """
    cluster.discovery.ensure(deadline)
    scene = Scene.of(cluster, own, others, policy, before, deadline)
    entries = frozenset(leaving)
    live = find_live(cluster, entries, deadline)
    staying = own.entries - entries
    plan = Plan(own.release)
    plan.add(plan_objects(scene, _others_than(live, "Namespace", "CustomResourceDefinition"), staying))
    _mark(scene, plan)
    plan.add(plan_definitions(scene, _of_kind(live, "CustomResourceDefinition"), live))
    _mark(scene, plan)
    if policy.whole and own.entries:
        plan.steps += plan_residue(cluster, policy.residue, scene.going, deadline)
        _mark(scene, plan)
    kept = {step.ref.namespace for step in plan.of(Action.KEEP)} | {entry.ref.namespace for entry in staying}
    plan.add(plan_namespaces(scene, _of_kind(live, "Namespace"), kept))
    if policy.whole and own.entries:
        plan.add(plan_obstacles(scene, plan))
    ask_the_server(cluster, plan, before, role_of(own.release), deadline)
    plan.warnings[:0] = deleted_data(scene, plan, live)
    plan.blockers = sorted(set(plan.blockers))
    plan.steps.sort(key=lambda step: (wave_of(own.release, step), step.ref))
    return plan


def _of_kind(live: dict[Entry, Document], kind: str) -> dict[Entry, Document]:
    return {entry: item for entry, item in live.items() if entry.ref.kind == kind}


def _others_than(live: dict[Entry, Document], *kinds: str) -> dict[Entry, Document]:
    return {entry: item for entry, item in live.items() if entry.ref.kind not in kinds}


def _mark(scene: Scene, plan: Plan) -> None:
    scene.going.add(step.live for step in plan.of(Action.DELETE, Action.WAIT_GONE) if step.live)
