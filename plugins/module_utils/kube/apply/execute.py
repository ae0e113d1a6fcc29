# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out the part of a plan that applies documents: stage by stage, with what must be true between two stages."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ..client.cluster import FIELD_MANAGER, Cluster
from ..deadline import Deadline
from ..desired.stages import Stage, in_stages
from ..errors import ApiError, NotServed, ReleaseError
from ..inventory.managed_fields import came_before, owned_fields, owned_set
from ..inventory.ownership import ADOPTED_ANNOTATION
from ..objects import Document, ObjectRef
from ..parallel import for_each
from ..plan.plan import UNCHANGED, Action, Step
from ..plan.present.conflicts import aligned, changes_nothing, field_conflicts
from ..plan.present.handover import HANDOVER_MANAGER
from ..plan.present.rehearsal import is_ours_to_overrule
from ..plan.refusals import explain
from ..remove.gone import await_gone
from .gates import PAUSE, await_authorities, await_definitions, await_webhook_servers

DEFINITION = "CustomResourceDefinition"
_NEW = (Action.CREATE, Action.WAIT_GONE)


@dataclass
class Execution:
    """Applies the steps of one release. `done` are the steps with what the server made of them.

    `generated` are the objects that must never take the place of one that is there.
    """

    cluster: Cluster
    release: str
    deadline: Deadline
    progress: Callable[[str], None]
    force_conflicts: bool = False
    role: str = ""
    generated: frozenset[ObjectRef] = frozenset()
    done: list[Step] = field(default_factory=list)
    defined: list[Step] = field(default_factory=list)  # the definitions that this run has made

    def run(self, steps: list[Step]) -> None:
        """Apply all steps. Raises ReleaseError or WaitError; `done` then holds what was stored before."""
        is_repair = _is_repair(steps)
        stages = in_stages([step.document for step in steps if step.document], is_repair)
        by_identity = {step.ref.identity: step for step in steps}
        # A definition that is being deleted waits for its instances, whose finalizers need the controllers of this
        # release: it is made anew when these, and the webhooks that guard the instances, are back.
        late = [step for step in steps if step.action is Action.WAIT_GONE and step.ref.kind == DEFINITION]
        for stage, documents in stages.items():
            members = [by_identity[ObjectRef.of(document).identity] for document in documents]
            if stage is Stage.GUARDED and late:
                # Those finalizers may need them: net-istio lets an ingress go only while its Gateways are there.
                early = [step for step in members if not _is_defined_by(step, late)]
                self._stage("custom resources of definitions that stay", early)
                members = [step for step in members if step not in early]
                self._stage("definitions that were being deleted", late)
                self._await_definitions(late)
            if stage is Stage.WEBHOOKS:
                self._await_servers(members)
            self._stage(stage.value, [step for step in members if step not in late])
            if stage is Stage.DEFINITIONS:
                self._await_definitions([step for step in members if step not in late])
            if stage is Stage.WEBHOOKS and is_repair:
                await_authorities(self.cluster, [step.ref for step in members], self.deadline, self.progress)

    def _stage(self, title: str, steps: list[Step]) -> None:
        going = [step for step in steps if step.action is Action.WAIT_GONE]
        await_gone(self.cluster, self.release, going, self.deadline, self.progress)
        applied, errors = for_each(
            self._apply,
            steps,
            lambda done, total: self.progress(f"{self.release}: {title}, {done} of {total} applied"),
        )
        self.done += applied
        if errors:
            raise ReleaseError.of(f"release '{self.release}', applying {title}", errors)

    def _apply(self, step: Step) -> Step:
        """Carry out one step; the same with what became of it. Raises ReleaseError with the reason and the remedy."""
        if step.action is Action.KEEP or step.document is None:
            return step
        try:
            after = self._send_when_served(step, step.document)
        except ApiError as error:
            raise ReleaseError(explain(step.ref, error, self.role)) from error
        action = Action.CREATE if step.action is Action.WAIT_GONE else step.action
        # What is generated was made by a request of its own, which nobody can have come before.
        if action is Action.CREATE and step.ref not in self.generated and came_before(after, step.manager):
            return self._adopted(step, step.document)
        if step.live is not None and action is not Action.CREATE and _same(step.live, after, step.manager):
            return replace(step, action=Action.KEEP, reason=UNCHANGED, live=after)
        return replace(step, action=action, live=after, after=_shown(after, step))

    def _adopted(self, step: Step, document: Document) -> Step:
        """Somebody else was quicker to make the object: it says so from now on, and is given back one day."""
        self.progress(f"{step.ref} was made by somebody else since the plan: it is adopted")
        metadata = document["metadata"]
        annotations = {**(metadata.get("annotations") or {}), ADOPTED_ANNOTATION: "true"}
        try:
            after = self._send(step, {**document, "metadata": {**metadata, "annotations": annotations}})
        except ApiError as error:
            raise ReleaseError(explain(step.ref, error, self.role)) from error
        return replace(step, action=Action.ADOPT, reason="it was there before", live=after, after=_shown(after, step))

    def _send_when_served(self, step: Step, document: Document) -> Document:
        """Where a definition takes the place of a deleted one, its kind may be served, then not, and then again."""
        while True:
            try:
                return self._send(step, document)
            except NotServed:
                if self.deadline.passed or not _is_defined_by(step, self.defined):
                    raise
                time.sleep(PAUSE)

    def _send(self, step: Step, document: Document) -> Document:
        if step.ref in self.generated and step.action is Action.CREATE:
            self._create(step.ref, document)
        if step.handed_over is not None:
            self.cluster.apply(step.handed_over, manager=HANDOVER_MANAGER, force=True, deadline=self.deadline)
        try:
            return self._patch(step, document, force=bool(step.takes) or self.force_conflicts)
        except ApiError as error:
            if not error.is_field_conflict:
                raise
            if all(is_ours_to_overrule(*conflict) for conflict in field_conflicts(error)):
                return self._patch(step, document, force=True)
            live = self._live_alike(step, document, error)
            if live is None:
                raise
            return self._patch(step, aligned(error, document, live), force=False)

    def _create(self, ref: ObjectRef, document: Document) -> None:
        """Make an object that must be new: refused where it is there after all, whatever an earlier answer said."""
        try:
            self.cluster.create(document, manager=FIELD_MANAGER, deadline=self.deadline)
        except ApiError as error:
            if error.reason != "AlreadyExists":
                raise
            # The answer to a first try may have been lost: then it is what was sent.
            live = self.cluster.get(ref.api_version, ref.kind, ref.name, ref.namespace, self.deadline)
            if live is None or live.get("data") != document.get("data"):
                raise

    def _live_alike(self, step: Step, document: Document, error: ApiError) -> Document | None:
        """The object, where the conflict is one in words only; None for one that is a reason to stop."""
        ref = step.ref
        live = self.cluster.get(ref.api_version, ref.kind, ref.name, ref.namespace, self.deadline)
        if live is None or not changes_nothing(error, live, self._patch(step, document, force=True, dry_run=True)):
            return None
        return live

    def _patch(self, step: Step, document: Document, force: bool, dry_run: bool = False) -> Document:
        return self.cluster.apply(document, manager=step.manager, force=force, dry_run=dry_run, deadline=self.deadline)

    def _await_definitions(self, steps: list[Step]) -> None:
        documents = [step.document for step in steps if step.document]
        new = [step for step in steps if step.action in _NEW and step.ref.kind == DEFINITION]
        self.defined += new
        await_definitions(self.cluster, documents, bool(new), self.deadline, self.progress)

    def _await_servers(self, steps: list[Step]) -> None:
        # A configuration that is there already is no reason to wait: requests it blocks are retried.
        new = [step.document for step in steps if step.document and step.action in _NEW]
        await_webhook_servers(self.cluster, new, self.deadline, self.progress)


def _is_repair(steps: list[Step]) -> bool:
    """Whether definitions, and so perhaps instances, are there while webhooks are not.

    Controllers must not work on instances that their defaulting webhook has not seen: what they make of them lacks
    what others look for.
    """
    there = any(step.ref.kind == DEFINITION and step.live is not None for step in steps)
    new = any(
        step.ref.kind.endswith("WebhookConfiguration") and step.action in (Action.CREATE, Action.WAIT_GONE)
        for step in steps
    )
    return there and new


def _is_defined_by(step: Step, definitions: list[Step]) -> bool:
    """Whether an object is of a kind that one of the definitions defines."""
    specs = [definition.document["spec"] for definition in definitions if definition.document]
    return any((spec["group"], spec["names"]["kind"]) == (step.ref.group, step.ref.kind) for spec in specs)


def _same(before: Document, after: Document, manager: str) -> bool:
    # Not by resourceVersion: a status written meanwhile by a controller raises it.
    if owned_set(before, manager) != owned_set(after, manager):
        return False
    return owned_fields(before, manager) == owned_fields(after, manager)


def _shown(after: Document, step: Step) -> Document:
    return {key: value for key, value in owned_fields(after, step.manager).items() if key not in ("apiVersion", "kind")}
