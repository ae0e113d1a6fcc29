# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a release that is to be present: its documents against what is there, and what it no longer wants."""

from __future__ import annotations

from dataclasses import dataclass

from ...client.cluster import Cluster
from ...deadline import Deadline
from ...desired.documents import placed, unserved
from ...errors import ReleaseError
from ...inventory.inventory import Inventory
from ...inventory.owners import Going
from ...inventory.ownership import uid_of
from ...objects import Document, ObjectRef
from ...parallel import for_each
from ..leaving.dependents import find_dependents
from ..leaving.planner import LeavingPolicy, plan_leaving
from ..plan import Action, Blocker, Plan
from .adopted_version import too_far
from .data_guards import lost_secrets, moved_data
from .existing import applied_beside, entangled, foreign_installation, plan_beside
from .irreversible import irreversible
from .judgement import Judge
from .needs import unmet
from .node_ports import range_of_node_ports, taken_node_ports, wants_node_ports
from .options import PresentOptions
from .scene import Scene
from .stored_versions import guard_stored_versions

MOST_NAMED = 8


@dataclass
class Prepared:
    """The plan and what it rests on: the placed documents, and the inventory that was stored (None: a first run)."""

    plan: Plan
    documents: list[Document]
    inventory: Inventory | None
    is_left: bool = False  # somebody else's installation is used


def plan_present(cluster: Cluster, documents: list[Document], options: PresentOptions, deadline: Deadline) -> Prepared:
    """Compute the plan; nothing is written. Raises ReleaseError where the cluster does not answer."""
    scene = Scene(cluster, options.release, options.record_namespace, deadline)
    wanted = placed(documents, options.namespace, cluster.discovery)
    found = foreign_installation(cluster, options.release, scene.inventory, options.existing, deadline)
    if not found:
        whole = _plan(scene, options, wanted)
        # What stands has met them, and goes on without: a catalog may be away for a while.
        whole.blockers += [] if scene.inventory else unmet(cluster, options.existing.needs, deadline)
        return Prepared(whole, wanted, scene.inventory)
    plan = plan_beside(cluster, options.release, found, options.existing, deadline)
    beside = applied_beside(wanted, options.existing)
    if not plan.blockers:
        rest = _plan(scene, options, beside)
        plan.add(rest)
        plan.blockers += entangled(rest, beside, options.existing, wanted)
    return Prepared(plan, beside, scene.inventory, is_left=True)


def _plan(scene: Scene, options: PresentOptions, documents: list[Document]) -> Plan:
    plan = Plan(options.release)
    if not options.check_mode:
        plan.blockers += [_not_served(*found) for found in unserved(documents, scene.cluster.discovery)]
    scene.read(documents)
    leaving = _plan_leaving(scene, options, documents)
    scene.leaving_uids = frozenset(uid_of(step.live) for step in leaving.of(Action.DELETE))
    scene.read_autoscalers(documents)
    judged, errors = for_each(Judge(scene, options, documents).step, documents)
    if errors:
        raise ReleaseError.of(f"release '{options.release}', looking at what is there", errors)
    # Another group may serve an object that an entry of before names, as events.k8s.io does with those of v1.
    wanted = {uid_of(step.live) for step, _blocker in judged if step.live}
    leaving.steps = [step for step in leaving.steps if uid_of(step.live) not in wanted]
    for step, blocker in judged:
        plan.steps.append(step)
        plan.blockers += [blocker] if blocker else []
    plan.add(leaving)
    plan.blockers += moved_data(documents, scene.inventory, leaving)
    plan.blockers += lost_secrets(plan, scene.inventory, options)
    guard_stored_versions(plan, scene.inventory.version if scene.inventory else "")
    plan.blockers += too_far(plan, scene.inventory, options)
    plan.warnings += irreversible(plan, scene.inventory, options)
    if wants_node_ports(documents):
        allowed = range_of_node_ports(scene.cluster, documents, scene.deadline)
        blockers, warnings = taken_node_ports(documents, scene.objects("v1", "Service"), scene.leaving_uids, allowed)
        plan.blockers += blockers
        plan.warnings += warnings
    return plan


def _plan_leaving(scene: Scene, options: PresentOptions, documents: list[Document]) -> Plan:
    """What the release had and no longer wants."""
    if scene.inventory is None or not options.prune:
        return Plan(options.release)
    wanted = {ObjectRef.of(document).identity for document in documents}
    gone = [entry for entry in sorted(scene.inventory.entries) if entry.ref.identity not in wanted]
    if not gone:
        return Plan(options.release)
    users = _users(scene, options)
    keep = options.keep if users or not options.keep_while else []
    policy = LeavingPolicy(whole=False, keep=keep)
    plan = plan_leaving(scene.cluster, scene.inventory, scene.others, gone, policy, scene.deadline)
    if users and plan.of(Action.KEEP):
        more = f" and {len(users) - MOST_NAMED} more" if len(users) > MOST_NAMED else ""
        kept = [str(step.ref) for step in plan.of(Action.KEEP) if step.ref.kind == "Deployment"]
        plan.warnings.append(
            f"{', '.join(kept) or 'what was there before'} stays, because it is used: "
            f"{', '.join(users[:MOST_NAMED])}{more}"
        )
    return plan


def _users(scene: Scene, options: PresentOptions) -> list[str]:
    """What keeps objects that are wanted no more, each with what it has to do with them."""
    found = find_dependents(scene.cluster, options.keep_while, Going(scene.cluster, [], scene.deadline), scene.deadline)
    return sorted({f"{ObjectRef.of(item)} ({rule['what']})" for rule, item in found})


def _not_served(ref: ObjectRef, count: int) -> Blocker:
    others = f" and {count - 1} more of its kind" if count > 1 else ""
    what = f"the cluster does not serve {ref.kind} of {ref.api_version}"
    return Blocker(f"{ref}{others}", what, "Install what defines it first, or take those documents out")
