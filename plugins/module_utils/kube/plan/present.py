# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a release that is to be present: its documents against what is there, and what it no longer wants."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..client.cluster import FIELD_MANAGER, Cluster
from ..deadline import Deadline
from ..desired.documents import placed, unserved
from ..desired.sent_fields import autoscaled, autoscaler_targets, sent_fields
from ..errors import ReleaseError
from ..inventory.inventory import Inventory, holders
from ..inventory.managed_fields import owned_fields, owned_set
from ..inventory.ownership import is_adopted, is_terminating, ownership_metadata, release_of, uid_of
from ..inventory.store import read_inventories
from ..objects import Document, ObjectRef
from ..parallel import for_each
from .data_guards import lost_secrets, moved_data
from .drift import settled
from .existing import ExistingPolicy, applied_beside, foreign_installation, plan_beside
from .handover import handover
from .leaving import LeavingPolicy, plan_leaving
from .node_ports import taken_node_ports, wants_node_ports
from .plan import UNCHANGED, Action, Blocker, Plan, Step
from .rehearsal import Rehearsal, Rehearser

Identity = tuple[str, str, str, str]


@dataclass(frozen=True)
class PresentOptions:
    """A release that is to be present; the meanings are those of the release module's options.

    `namespace` is that of documents which name none. `role` is whose options are named in messages. `data` are the
    objects, beside volume claims, whose content cannot be made again.
    """

    release: str
    namespace: str | None = None
    record_namespace: str = "kube-system"
    version: str = ""
    requires: tuple[str, ...] = ()
    ignore_fields: list[dict[str, Any]] = field(default_factory=list)
    force_conflicts: bool = False
    prune: bool = True
    check_mode: bool = False
    role: str = ""
    existing: ExistingPolicy = field(default_factory=ExistingPolicy)
    data: frozenset[ObjectRef] = frozenset()


@dataclass
class Prepared:
    """The plan and what it rests on: the placed documents, and the inventory that was stored (None: a first run)."""

    plan: Plan
    documents: list[Document]
    inventory: Inventory | None
    is_left: bool = False  # somebody else's installation is used


def plan_present(cluster: Cluster, documents: list[Document], options: PresentOptions, deadline: Deadline) -> Prepared:
    """Compute the plan; nothing is written. Raises ReleaseError where the cluster does not answer."""
    return _Planner(cluster, options, deadline).plan(documents)


class _Planner:
    def __init__(self, cluster: Cluster, options: PresentOptions, deadline: Deadline) -> None:
        self.cluster = cluster
        self.options = options
        self.release = options.release
        self.deadline = deadline
        self.rehearser = Rehearser(cluster, deadline, options.force_conflicts, options.role)
        self.inventory: Inventory | None = None
        self.others: list[Inventory] = []
        self.namespaces: dict[str, Document] = {}
        self.known: dict[Identity, Document] = {}
        self.autoscaled: set[tuple[str, str, str]] = set()
        self.leaving_uids: set[str] = set()

    def plan(self, documents: list[Document]) -> Prepared:
        self.cluster.discovery.ensure(self.deadline)
        inventories = read_inventories(self.cluster, self.options.record_namespace, self.deadline)
        self.inventory = next((one for one in inventories if one.release == self.release), None)
        self.others = [one for one in inventories if one.release != self.release]
        wanted = placed(documents, self.options.namespace, self.cluster.discovery)
        existing = self.options.existing
        found = foreign_installation(self.cluster, self.release, self.inventory, existing, self.deadline)
        if not found:
            return Prepared(self._plan(wanted), wanted, self.inventory)
        plan = plan_beside(self.cluster, self.release, found, existing, self.deadline)
        beside = applied_beside(wanted, existing)
        if not plan.blockers:
            plan.add(self._plan(beside))
        return Prepared(plan, beside, self.inventory, is_left=True)

    def _plan(self, documents: list[Document]) -> Plan:
        plan = Plan(self.release)
        if not self.options.check_mode:
            plan.blockers += [_not_served(*found) for found in unserved(documents, self.cluster.discovery)]
        self._look_around(documents)
        leaving = self._leaving(documents)
        self.leaving_uids = {uid_of(step.live) for step in leaving.of(Action.DELETE)}
        self.autoscaled = self._autoscaled(documents)
        steps, errors = for_each(self._step, documents)
        if errors:
            raise ReleaseError(f"release '{self.release}', looking at what is there: " + "\n".join(map(str, errors)))
        for step, blocker in steps:
            plan.steps.append(step)
            plan.blockers += [blocker] if blocker else []
        plan.add(leaving)
        plan.blockers += moved_data(documents, self.inventory, leaving) + lost_secrets(
            plan, self.inventory, self.options.data
        )
        if wants_node_ports(documents):
            services = self._list("v1", "Service")
            blockers, warnings = taken_node_ports(documents, services, frozenset(self.leaving_uids))
            plan.blockers += blockers
            plan.warnings += warnings
        return plan

    def _look_around(self, documents: list[Document]) -> None:
        """What is there already: the namespaces, and one LIST per kind on a later run."""
        self.namespaces = {item["metadata"]["name"]: item for item in self._list("v1", "Namespace")}
        if self.inventory is not None:
            kinds = sorted(
                {(document["apiVersion"], document["kind"]) for document in documents} - {("v1", "Namespace")}
            )
            listed, errors = for_each(self._list_own, kinds)
            if errors:
                raise ReleaseError(f"release '{self.release}', reading what is there: " + "\n".join(map(str, errors)))
            self.known = {ObjectRef.of(item).identity: item for items in listed for item in items}

    def _autoscaled(self, documents: list[Document]) -> set[tuple[str, str, str]]:
        """What has its replicas from an autoscaler, of the documents or of anybody, that does not leave in this run."""
        autoscalers = [document for document in documents if document["kind"] == "HorizontalPodAutoscaler"]
        if any("replicas" in (document.get("spec") or {}) for document in documents):
            there = self._list("autoscaling/v2", "HorizontalPodAutoscaler")
            autoscalers += [item for item in there if uid_of(item) not in self.leaving_uids]
        return autoscaler_targets(autoscalers)

    def _list(self, api_version: str, kind: str) -> list[Document]:
        return self.cluster.list(api_version, kind, deadline=self.deadline)

    def _list_own(self, kind: tuple[str, str]) -> list[Document]:
        if self.cluster.discovery.find(*kind) is None:
            return []
        labels = ownership_metadata(self.release, False)["labels"]
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        return self.cluster.list(*kind, label_selector=selector, deadline=self.deadline)

    def _leaving(self, documents: list[Document]) -> Plan:
        """What the release had and no longer wants."""
        if self.inventory is None or not self.options.prune:
            return Plan(self.release)
        wanted = {ObjectRef.of(document).identity for document in documents}
        gone = [entry for entry in sorted(self.inventory.entries) if entry.ref.identity not in wanted]
        if not gone:
            return Plan(self.release)
        policy = LeavingPolicy(whole=False)
        return plan_leaving(self.cluster, self.inventory, self.others, gone, policy, self.deadline)

    def _step(self, document: Document) -> tuple[Step, Blocker | None]:
        ref = ObjectRef.of(document)
        if self.cluster.discovery.find(ref.api_version, ref.kind) is None:
            return self._create(ref, self._to_send(document), "its kind is not served yet", None)
        live = self._live(ref)
        if live is None:
            return self._missing(ref, self._to_send(document))
        if is_terminating(live):
            reason = "it is being deleted, and is made anew afterwards"
            return Step(Action.WAIT_GONE, ref, reason, live, self._to_send(document), FIELD_MANAGER), None
        if self.options.check_mode and self._goes_with_what_leaves(live):
            return self._create(ref, self._to_send(document), "in the place of the former one, which goes", None)
        return self._there(ref, document, live)

    def _live(self, ref: ObjectRef) -> Document | None:
        if ref.kind == "Namespace":
            return self.namespaces.get(ref.name)
        if ref.namespace and ref.namespace not in self.namespaces:
            return None
        known = self.known.get(ref.identity)
        return known or self.cluster.get(ref.api_version, ref.kind, ref.name, ref.namespace, self.deadline)

    def _missing(self, ref: ObjectRef, sent: Document) -> tuple[Step, Blocker | None]:
        home = self.namespaces.get(ref.namespace)
        if ref.namespace and (home is None or is_terminating(home)):
            return self._create(ref, sent, "it is not there", self.rehearser.elsewhere(sent))
        return self._create(ref, sent, "it is not there", self.rehearser.apply(sent, FIELD_MANAGER, None))

    def _create(
        self, ref: ObjectRef, sent: Document, reason: str, rehearsal: Rehearsal | None
    ) -> tuple[Step, Blocker | None]:
        after = (rehearsal.after if rehearsal else None) or sent
        if rehearsal and rehearsal.unjudged and "not there yet" not in rehearsal.unjudged:
            reason = f"{reason}; cannot be judged before the run: {rehearsal.unjudged}"
        shown = owned_fields(after, FIELD_MANAGER) or sent
        step = Step(Action.CREATE, ref, reason, None, sent, FIELD_MANAGER, {}, _shown(shown))
        return step, rehearsal.blocker if rehearsal else None

    def _there(self, ref: ObjectRef, document: Document, live: Document) -> tuple[Step, Blocker | None]:
        owner = release_of(live)
        shared = bool(owner) and owner != self.release
        if shared and ref.kind != "Namespace" and holders(ref.identity, self.others):
            what = f"it belongs to the release '{owner}' of this collection"
            remedy = f"Take it out of '{self.release}', or remove release '{owner}' first"
            return Step(Action.KEEP, ref, what, live), Blocker(str(ref), what, remedy)
        shared = shared and ref.kind == "Namespace"
        adopted = not shared and self._is_adopted(ref, live)
        # A namespace of two releases: each owns its labels under a manager name of its own.
        manager = f"{FIELD_MANAGER}/{self.release}" if shared else FIELD_MANAGER
        sent = self._to_send(document, shared, adopted)
        if settled(sent, live, manager) or (shared and not _says_anything(sent)):
            return Step(Action.KEEP, ref, UNCHANGED, live, sent, manager), None
        action, reason = (Action.CHANGE, "it differs") if owner else (Action.ADOPT, "it was there before")
        handed_over = handover(document, sent, live, manager)
        rehearsal = self.rehearser.apply(sent, manager, live, handed_over)
        before = owned_fields(live, manager)
        if rehearsal.after is None:
            why = f"; cannot be judged before the run: {rehearsal.unjudged}" if rehearsal.unjudged else ""
            return Step(action, ref, reason + why, live, sent, manager, _shown(before), _shown(sent)), rehearsal.blocker
        after = owned_fields(rehearsal.after, manager)
        if before == after and owned_set(live, manager) == owned_set(rehearsal.after, manager) and not handed_over:
            action, reason = Action.KEEP, UNCHANGED
        if handed_over:
            reason = f"{reason}; fields left to others keep their values"
        shown = (_shown(before), _shown(after))
        step = Step(action, ref, reason, live, sent, manager, *shown, rehearsal.takes, handed_over)
        return step, rehearsal.blocker

    def _is_adopted(self, ref: ObjectRef, live: Document) -> bool:
        """Whether the object was there before us: it says so itself, or nothing of ours is on it."""
        return is_adopted(live) or not release_of(live)

    def _to_send(self, document: Document, shared: bool = False, adopted: bool = False) -> Document:
        """The document as it is sent: our fields, our labels, and whether the object was there before us."""
        sent = sent_fields(document, self.options.ignore_fields)
        if autoscaled(document, self.autoscaled):
            sent.get("spec", {}).pop("replicas", None)
        if not shared:
            for part, values in ownership_metadata(self.release, adopted).items():
                sent["metadata"][part] = {**(sent["metadata"].get(part) or {}), **values}
        return sent

    def _goes_with_what_leaves(self, live: Document) -> bool:
        """Whether an object has an owner, at whatever distance, that leaves the release in this run."""
        seen: set[str] = set()
        while True:
            owners = live["metadata"].get("ownerReferences") or []
            owner = next((one for one in owners if one.get("controller")), None)
            if owner is None or owner["uid"] in seen:
                return False
            if owner["uid"] in self.leaving_uids:
                return True
            seen.add(owner["uid"])
            namespace = live["metadata"].get("namespace")
            above = self.cluster.get(owner["apiVersion"], owner["kind"], owner["name"], namespace, self.deadline)
            if above is None:
                return False
            live = above


def _not_served(ref: ObjectRef, count: int) -> Blocker:
    others = f" and {count - 1} more of its kind" if count > 1 else ""
    what = f"the cluster does not serve {ref.kind} of {ref.api_version}"
    return Blocker(f"{ref}{others}", what, "Install what defines it first, or take those documents out")


def _says_anything(sent: Document) -> bool:
    """Whether a shared namespace's document sets anything but the name."""
    return set(sent) - {"apiVersion", "kind", "metadata"} != set() or set(sent["metadata"]) - {"name"} != set()


def _shown(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key not in ("apiVersion", "kind")}
