# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A component that somebody else has installed: recognised by its objects, and adopted, used as it is, or refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...client.cluster import Cluster
from ...deadline import Deadline
from ...errors import ReleaseError
from ...inventory.inventory import Inventory
from ...inventory.owners import is_owned_by
from ...inventory.ownership import release_of, uid_of
from ...objects import Document, ObjectRef, matches
from ...wait.targets import ENDPOINTS, Target, Verdict, judge
from ...wait.webhooks import SERVICE_LABEL, has_ready_endpoint
from ..plan import Action, Blocker, Plan, Step

AUTO, ADOPT, LEAVE, STOP = "auto", "adopt", "leave", "stop"


@dataclass(frozen=True)
class ExistingPolicy:
    """What to do with an installation that is not ours.

    `marks` are matchers of {api_version, kind, namespace, name, label_selector}: any object that fits is the component.
    `serves` are targets, as the wait action takes them, that hold for an installation which can be used as it is.
    `ours` are matchers of documents that are applied all the same. `policy` is auto (used where it serves, else
    refused), adopt, leave or stop; `role` is whose option says so. `operators` are matchers like `marks`, of what an
    operator makes the component of: it would undo what adopting does, so that is refused. `adoptable` says whether
    adopting is any remedy at all: it is none for the subscription to an operator. `needs` are what others must
    have on the cluster before the release is installed, see needs.py.
    """

    policy: str = AUTO
    marks: list[dict[str, Any]] = field(default_factory=list)
    serves: list[dict[str, Any]] = field(default_factory=list)
    ours: list[dict[str, Any]] = field(default_factory=list)
    role: str = ""
    operators: list[dict[str, Any]] = field(default_factory=list)
    needs: list[dict[str, Any]] = field(default_factory=list)
    adoptable: bool = True


def foreign_installation(
    cluster: Cluster, release: str, inventory: Inventory | None, policy: ExistingPolicy, deadline: Deadline
) -> list[Document]:
    """The objects that show that somebody else installed the component; [] where nobody or we did.

    Where an object of ours has the same mark, that of somebody else is a second installation beside ours, such as an
    istiod of another revision, and none of our business.
    """
    marks = [*(policy.marks if policy.policy != ADOPT else ()), *policy.operators]
    found = []
    for mark in marks:
        items = _marked(cluster, mark, deadline)
        if not any(_is_ours(item, release, inventory) for item in items):
            found += items
    return found


def entangled(plan: Plan, beside: list[Document], policy: ExistingPolicy, wanted: list[Document]) -> list[Blocker]:
    """What forbids to stand back for an installation of somebody else: parts of ours, which it may be using by now."""
    left = {ObjectRef.of(document).identity for document in beside}
    parts = {ObjectRef.of(document).identity for document in wanted} - left
    option = f"{policy.role}_existing" if policy.role else "existing"
    remedy = f"Remove one of the two{_or_adopt(option) if policy.adoptable else ''}"
    return [
        Blocker(str(step.ref), "it is part of our own installation, and somebody else has installed it too", remedy)
        for step in plan.of(Action.DELETE, Action.GIVE_BACK)
        if step.ref.identity in parts
    ]


def plan_beside(
    cluster: Cluster, release: str, found: list[Document], policy: ExistingPolicy, deadline: Deadline
) -> Plan:
    """The plan for a component that is there already: left as it is, or refused."""
    plan = Plan(release)
    why = [] if policy.policy != AUTO else _what_does_not_serve(cluster, policy, deadline)
    option = f"{policy.role}_existing" if policy.role else "existing"
    if policy.policy == ADOPT:
        what = "an operator installs the component by it, and would undo what adopting does"
        plan.blockers += [Blocker(str(ref), what, f"Set {option}: auto or leave, to use it") for ref in _refs(found)]
    elif policy.policy == STOP:
        what = "somebody else has installed it, and is not to be touched"
        remedy = f"Remove it, or set {option} to {'adopt or leave' if policy.adoptable else 'leave'}"
        plan.blockers += [Blocker(str(ref), what, remedy) for ref in _refs(found)]
    elif why:
        is_operated = any(_fits(mark, item) for mark in policy.operators for item in found)
        remedy = f"Mend or remove it{_or_adopt(option) if policy.adoptable and not is_operated else ''}"
        what = f"somebody else has installed it, and it does not serve: {'; '.join(why)}"
        plan.blockers += [Blocker(str(ref), what, remedy) for ref in _refs(found)]
    else:
        plan.steps += [
            Step(Action.KEEP, ref, f"installed by somebody else, used as it is ({option})", live)
            for ref, live in zip(_refs(found), found, strict=True)
        ]
    return plan


def applied_beside(documents: list[Document], policy: ExistingPolicy) -> list[Document]:
    """The documents of a release that are applied beside an installation of somebody else."""
    return [document for document in documents if any(matches(matcher, document) for matcher in policy.ours)]


def _or_adopt(option: str) -> str:
    return f", or set {option}: adopt to have it brought to what this collection installs"


def _is_ours(item: Document, release: str, inventory: Inventory | None) -> bool:
    """Whether the object is ours, or an operator has made it of one that is.

    Ours carries our label, or is the very one of the inventory, not one made anew in its place.
    """
    entry = inventory.by_identity.get(ObjectRef.of(item).identity) if inventory else None
    if release_of(item) == release or (entry is not None and entry.uid in ("", uid_of(item))):
        return True
    return inventory is not None and is_owned_by(item, {entry.uid for entry in inventory.entries if entry.uid})


def _marked(cluster: Cluster, mark: dict[str, Any], deadline: Deadline) -> list[Document]:
    api_version, kind, namespace = mark["api_version"], mark["kind"], mark.get("namespace")
    if cluster.discovery.find(api_version, kind) is None:
        return []
    if mark.get("name"):
        live = cluster.get(api_version, kind, mark["name"], namespace, deadline)
        return [live] if live else []
    return cluster.list(api_version, kind, namespace, mark.get("label_selector"), deadline)


def _fits(mark: dict[str, Any], item: Document) -> bool:
    """Whether an object that was found is of the kind of a mark."""
    return (mark["api_version"], mark["kind"]) == (item["apiVersion"], item["kind"])


def _what_does_not_serve(cluster: Cluster, policy: ExistingPolicy, deadline: Deadline) -> list[str]:
    reasons = []
    for target in map(Target.from_item, policy.serves):
        if not target.name:
            raise ReleaseError(f"{target}: what tells whether an installation serves needs a name")
        verdict = _judge_now(cluster, target, deadline)
        if not verdict.fulfilled:
            reasons.append(f"{target} ({verdict.why})")
    return reasons


def _judge_now(cluster: Cluster, target: Target, deadline: Deadline) -> Verdict:
    if target.condition == ENDPOINTS:
        selector = f"{SERVICE_LABEL}={target.name}"
        slices = cluster.list("discovery.k8s.io/v1", "EndpointSlice", target.namespace, selector, deadline)
        return Verdict(has_ready_endpoint(slices), "no ready endpoint")
    live = cluster.get(target.api_version, target.kind, target.name or "", target.namespace, deadline)
    return judge(target, live) if live else Verdict(False, "it does not exist")


def _refs(found: list[Document]) -> list[ObjectRef]:
    return [ObjectRef.of(item) for item in found]
