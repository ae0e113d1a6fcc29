# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies single objects of a release and judges whether the server stored something new."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from ..client.backoff import worth_retrying
from ..client.cluster import FIELD_MANAGER, Cluster
from ..deadline import Deadline
from ..desired.sent_fields import autoscaled, sent_fields
from ..errors import ApiError, ReleaseError
from ..inventory.managed_fields import owned_fields, owned_set
from ..inventory.record import ADOPTED_ANNOTATION, MANAGED_BY, MANAGED_BY_LABEL, RELEASE_LABEL
from ..objects import Document, ObjectRef
from ..plan.conflicts import changes_nothing
from ..plan.drift import settled
from ..plan.prune import is_adopted
from .refusals import explain

CREATED, CONFIGURED, UNCHANGED = "created", "configured", "unchanged"


@dataclass
class ApplyOptions:
    """How objects are applied; the meanings are those of the release module's options."""

    release: str
    ignore_fields: list[dict[str, Any]] = field(default_factory=list)
    force_conflicts: bool = False
    check_mode: bool = False


@dataclass
class Applied:
    """Verdict for one object; `before` and `after` are our owned fields; `shared` with another release of ours."""

    ref: ObjectRef
    verdict: str
    before: dict[str, Any]
    after: dict[str, Any]
    shared: bool = False


class Applier:
    """Applies documents; safe to call from several threads. `autoscaled_targets` own their replicas."""

    def __init__(self, cluster: Cluster, options: ApplyOptions, deadline: Deadline) -> None:
        self.cluster = cluster
        self.options = options
        self.deadline = deadline
        self.autoscaled_targets: set[tuple[str, str, str]] = set()
        self.known_live: dict[tuple[str, str, str, str], Document] = {}
        self.missing_namespaces: set[str] = set()

    def to_send(self, document: Document, shared: bool = False, adopted: bool = False) -> Document:
        """The document as it is sent: our fields, our labels, and whether it was there before us."""
        sent = sent_fields(document, self.options.ignore_fields)
        if autoscaled(document, self.autoscaled_targets):
            sent.get("spec", {}).pop("replicas", None)
        metadata = sent["metadata"]
        if not shared:
            ours = {MANAGED_BY_LABEL: MANAGED_BY, RELEASE_LABEL: self.options.release}
            metadata["labels"] = {**(metadata.get("labels") or {}), **ours}
        if adopted:
            metadata["annotations"] = {**(metadata.get("annotations") or {}), ADOPTED_ANNOTATION: "true"}
        return sent

    def apply(self, document: Document) -> Applied:
        """Apply one document. Raises ReleaseError with the server's reason and what to do."""
        ref = ObjectRef.of(document)
        if self.options.check_mode and self._has_no_home(ref):
            return Applied(ref, CREATED, {}, _shown(self.to_send(document)))
        before = self._live(ref)
        owner = _release_of(before)
        shared = bool(owner) and owner != self.options.release
        if shared and ref.kind != "Namespace":
            raise ReleaseError(
                f"{ref} belongs to the release '{owner}' of this collection; "
                f"remove it from '{self.options.release}' or remove that release first"
            )
        # A namespace of two releases: each owns its labels under a manager name of its own.
        manager = f"{FIELD_MANAGER}/{self.options.release}" if shared else FIELD_MANAGER
        adopted = before is not None and not shared and (not owner or is_adopted(before))
        sent = self.to_send(document, shared, adopted)
        if before is not None and settled(sent, before, manager):
            return Applied(ref, UNCHANGED, {}, {}, shared=shared)
        after = self._send(ref, sent, manager, before)
        verdict = _verdict(before, after, manager)
        return Applied(
            ref, verdict, _shown(owned_fields(before, manager)), _shown(owned_fields(after, manager)), shared
        )

    def _has_no_home(self, ref: ObjectRef) -> bool:
        return (
            ref.namespace in self.missing_namespaces or self.cluster.discovery.find(ref.api_version, ref.kind) is None
        )

    def _live(self, ref: ObjectRef) -> Document | None:
        known = self.known_live.get(ref.identity)
        if known is not None:
            return known
        self.cluster.resource(ref.api_version, ref.kind)
        try:
            return self.cluster.get(ref.api_version, ref.kind, ref.name, ref.namespace, self.deadline)
        except ApiError as error:
            raise ReleaseError(explain(ref, error)) from error

    def _send(self, ref: ObjectRef, sent: Document, manager: str, before: Document | None) -> Document:
        try:
            try:
                return self._request(sent, manager, self.options.force_conflicts, self.options.check_mode)
            except ApiError as error:
                if before is None or not error.is_field_conflict:
                    raise
                rehearsed = self._request(sent, manager, True, True)
                if not changes_nothing(error, before, rehearsed):
                    raise
                return self._request(sent, manager, True, self.options.check_mode)
        except ApiError as error:
            if self.options.check_mode and error.is_webhook_failure:
                return sent  # a webhook that is away cannot judge a rehearsal
            raise ReleaseError(explain(ref, error)) from error

    def _request(self, sent: Document, manager: str, force: bool, dry_run: bool) -> Document:
        return self.cluster.apply(
            sent, dry_run=dry_run, force=force, manager=manager, deadline=self.deadline, retry_if=self._retry_if
        )

    def _retry_if(self, error: ApiError) -> bool:
        if self.options.check_mode and (error.is_webhook_failure or error.is_namespace_terminating):
            return False
        return worth_retrying(error)


def _release_of(live: Document | None) -> str:
    return (((live or {}).get("metadata") or {}).get("labels") or {}).get(RELEASE_LABEL, "")


def _verdict(before: Document | None, after: Document, manager: str) -> str:
    if before is None:
        return CREATED
    # Not by resourceVersion alone: a dry run keeps it, and a status written meanwhile by a controller raises it.
    return UNCHANGED if _same_owned(before, after, manager) else CONFIGURED


def _same_owned(before: Document, after: Document, manager: str) -> bool:
    return owned_set(before, manager) == owned_set(after, manager) and owned_fields(before, manager) == owned_fields(
        after, manager
    )


def _shown(fields: dict[str, Any]) -> dict[str, Any]:
    shown = copy.copy(fields)
    shown.pop("apiVersion", None)
    shown.pop("kind", None)
    return shown
