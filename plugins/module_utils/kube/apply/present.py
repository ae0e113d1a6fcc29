# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a release to what its documents say: stages, gates between them, pruning, the record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..client.cluster import Cluster
from ..deadline import Deadline
from ..desired.documents import placed, require_served
from ..desired.sent_fields import autoscaler_targets
from ..desired.stages import Stage, in_stages
from ..errors import KubeError, ReleaseError
from ..inventory.record import MANAGED_BY, MANAGED_BY_LABEL, RELEASE_LABEL, Record, read_record, write_record
from ..objects import Document, ObjectRef
from ..parallel import for_each
from ..plan.diff import difference
from ..plan.outcome import Outcome
from ..plan.prune import prune
from ..wait.readiness import wait_list
from .applier import UNCHANGED, Applied, Applier, ApplyOptions
from .gates import await_definitions, await_webhook_servers

MOST_ERRORS_SHOWN = 8


@dataclass
class PresentOptions:
    """Options of a release beyond those of single objects; see the release module."""

    apply: ApplyOptions
    namespace: str | None = None
    record_namespace: str = "kube-system"
    prune: bool = True
    version: str = ""


def apply_release(
    cluster: Cluster,
    documents: list[Document],
    options: PresentOptions,
    deadline: Deadline,
    progress: Callable[[str], None],
) -> Outcome:
    """Apply all `documents` as one release. Raises ReleaseError, WaitError or ClusterError.

    What was applied before an error stays and is in the record, so that the next run goes on from there.
    """
    return _Run(cluster, options, deadline, progress).run(documents)


class _Run:
    def __init__(
        self, cluster: Cluster, options: PresentOptions, deadline: Deadline, progress: Callable[[str], None]
    ) -> None:
        self.cluster = cluster
        self.options = options
        self.release = options.apply.release
        self.check_mode = options.apply.check_mode
        self.deadline = deadline
        self.progress = progress
        self.applier = Applier(cluster, options.apply, deadline)
        self.outcome = Outcome()
        self.applied: list[Applied] = []
        self.recorded: Record | None = None

    def run(self, documents: list[Document]) -> Outcome:
        self.cluster.discovery.ensure(self.deadline)
        todo = placed(documents, self.options.namespace, self.cluster.discovery)
        if not self.check_mode:
            require_served(todo, self.cluster.discovery)
        self.recorded = read_record(self.cluster, self.release, self.options.record_namespace, self.deadline)
        is_first = self.recorded is None
        old = self.recorded.objects if self.recorded else frozenset()
        wanted = {ObjectRef.of(document) for document in todo}
        self._look_around(todo, is_first)
        self._remember(wanted | old)
        for stage, members in in_stages(todo).items():
            self._gate_before(stage, members)
            self._apply_stage(stage, members)
            self._gate_after(stage, members)
        self._prune(old, wanted)
        self._remember({result.ref for result in self.applied} | set(self.outcome.kept))
        self.outcome.wait = wait_list(todo)
        return self.outcome

    def _look_around(self, documents: list[Document], is_first: bool) -> None:
        """What is there already: one LIST per kind on a later run, and who scales what."""
        if not is_first:
            selector = f"{RELEASE_LABEL}={self.release},{MANAGED_BY_LABEL}={MANAGED_BY}"
            kinds = sorted({(document["apiVersion"], document["kind"]) for document in documents})
            listed, errors = for_each(
                lambda kind: self.cluster.list(*kind, label_selector=selector, deadline=self.deadline), kinds
            )
            self._stop_on(errors, "reading what is there")
            for items in listed:
                for item in items:
                    self.applier.known_live[ObjectRef.of(item).identity] = item
        autoscalers = [document for document in documents if document["kind"] == "HorizontalPodAutoscaler"]
        if any("replicas" in (document.get("spec") or {}) for document in documents):
            autoscalers += self.cluster.list("autoscaling/v2", "HorizontalPodAutoscaler", deadline=self.deadline)
        self.applier.autoscaled_targets = autoscaler_targets(autoscalers)
        if self.check_mode:
            names = {ObjectRef.of(document).namespace for document in documents} - {""}
            there = {item["metadata"]["name"] for item in self.cluster.list("v1", "Namespace", deadline=self.deadline)}
            self.applier.missing_namespaces = names - there

    def _apply_stage(self, stage: Stage, members: list[Document]) -> None:
        applied, errors = for_each(
            self.applier.apply,
            members,
            lambda done, total: self.progress(f"{self.release}: {stage.title}, {done} of {total} applied"),
        )
        for result in applied:
            self._count(result)
        self._stop_on(errors, f"applying {stage.title}")

    def _count(self, result: Applied) -> None:
        self.applied.append(result)
        getattr(self.outcome, result.verdict).append(result.ref)
        if result.verdict != UNCHANGED:
            self.outcome.differences.append(difference(result.ref, result.before, result.after))

    def _gate_before(self, stage: Stage, members: list[Document]) -> None:
        if stage is not Stage.WEBHOOKS or self.check_mode:
            return
        # A configuration that is there already is no reason to wait: requests it blocks are retried.
        new = [document for document in members if ObjectRef.of(document).identity not in self.applier.known_live]
        await_webhook_servers(self.cluster, new, self.deadline, self.progress)

    def _gate_after(self, stage: Stage, members: list[Document]) -> None:
        if stage is Stage.DEFINITIONS and not self.check_mode:
            await_definitions(self.cluster, members, self.deadline, self.progress)

    def _prune(self, old: frozenset[ObjectRef], wanted: set[ObjectRef]) -> None:
        if not self.options.prune:
            self.outcome.kept += sorted(old - wanted)
            return
        pruned, kept = prune(self.cluster, self.release, old, wanted, self.check_mode, self.deadline)
        self.outcome.pruned += pruned
        self.outcome.kept += kept

    def _remember(self, objects: set[ObjectRef] | frozenset[ObjectRef]) -> None:
        record = Record(frozenset(objects), self.options.version)
        if self.check_mode or record == self.recorded:
            return
        write_record(self.cluster, self.release, self.options.record_namespace, record, self.deadline)
        self.recorded = record

    def _stop_on(self, errors: list[KubeError], doing: str) -> None:
        if not errors:
            return
        lines = [str(error) for error in errors[:MOST_ERRORS_SHOWN]]
        if len(errors) > MOST_ERRORS_SHOWN:
            lines.append(f"and {len(errors) - MOST_ERRORS_SHOWN} more")
        raise ReleaseError(f"release '{self.release}', {doing}: " + "\n".join(lines))
