# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the server what an apply would store, and tells what forbids it from what merely cannot be judged yet."""

from __future__ import annotations

from dataclasses import dataclass

from ...client.backoff import worth_rehearsing_again
from ...client.cluster import FIELD_MANAGER, Cluster
from ...deadline import Deadline
from ...errors import ApiError, ReleaseError
from ...objects import Document, ObjectRef
from ..hanging_webhooks import HangingWebhooks
from ..plan import Blocker
from ..refusals import conflict_reason, conflict_remedy, reason_of, remedy_of, unjudged_because
from .conflicts import aligned, changes_nothing, field_conflicts
from .handover import combined

# A new object is rehearsed in this namespace where its own does not exist yet: its fields are checked all the same.
STAND_IN_NAMESPACE = "default"
STAND_IN_NAME = "serverless-rehearsal"
# Answers that another try, or another moment of the same run, does not change.
FINAL_STATUS = frozenset({400, 403, 404, 405, 409, 413, 415, 422})


@dataclass(frozen=True)
class Rehearsal:
    """What an apply would come to.

    `after` is the object as it would be stored, None where that cannot be known; `sent` what has to be sent for it,
    None for the document that was rehearsed. `takes` is what it would take from other field managers. `unjudged` is why
    nothing can be said before the run; `blocker` what forbids it.
    """

    after: Document | None = None
    sent: Document | None = None
    takes: tuple[str, ...] = ()
    unjudged: str = ""
    blocker: Blocker | None = None


class Rehearser:
    """Dry runs of one release. `role` is whose options settle a conflict; empty: the release action's own."""

    def __init__(self, cluster: Cluster, deadline: Deadline, force_conflicts: bool = False, role: str = "") -> None:
        self.cluster = cluster
        self.deadline = deadline
        self.force_conflicts = force_conflicts
        self.role = role
        self.webhooks = HangingWebhooks(cluster)

    def apply(
        self, document: Document, manager: str, live: Document | None, handed_over: Document | None = None
    ) -> Rehearsal:
        """Rehearse an apply in the object's own place. Raises ReleaseError where no answer can be had."""
        ref = ObjectRef.of(document)
        sent = combined(document, handed_over) if handed_over else document
        if self.cluster.discovery.look_up(ref.api_version, ref.kind, self.deadline) is None:
            return Rehearsal(unjudged="its CRD went away just now")
        try:
            return Rehearsal(after=self._dry_run(sent, manager, force=False))
        except ApiError as error:
            if not error.is_field_conflict:
                return self._refused(ref, error)
            if live is None:
                what = "it is there, although the API server just said that it is not"
                return Rehearsal(
                    blocker=Blocker(str(ref), what, "Start again; look at what is between here and the server")
                )
            return self._conflict(ref, sent, manager, live, error)

    def elsewhere(self, sent: Document) -> Rehearsal:
        """Rehearse the creation of an object whose namespace does not exist yet, under another name in another place.

        Of what forbids it there only what is wrong with its fields counts: policies and quotas of that place say
        nothing about the real one. Permissions are asked for in the real one, where they are looked at first.
        """
        ref = ObjectRef.of(sent)
        metadata = {**sent["metadata"], "name": STAND_IN_NAME, "namespace": STAND_IN_NAMESPACE}
        missing = f"its namespace {ref.namespace} is not there yet"
        try:
            self.webhooks.ask(lambda: self._try({**sent, "metadata": metadata}))
        except ApiError as error:
            if error.is_policy_denial and not unjudged_because(error):
                return Rehearsal(unjudged=missing)
            if (error.status == 422 and error.reason == "Invalid") or error.is_schema_mismatch:
                return Rehearsal(blocker=self._blocker(ref, error))
            unjudged = unjudged_because(error)
            if unjudged:
                return Rehearsal(unjudged=f"{unjudged}; {missing}")
            if error.status == 400:
                return Rehearsal(blocker=self._blocker(ref, error))
            if error.lacks_permission:
                return Rehearsal(unjudged=missing, blocker=self._not_permitted(ref, sent))
        return Rehearsal(unjudged=missing)

    def _not_permitted(self, ref: ObjectRef, sent: Document) -> Blocker | None:
        try:
            self._dry_run(sent, FIELD_MANAGER, force=False)
        except ApiError as error:
            if error.lacks_permission:
                return self._blocker(ref, error)
        return None

    def _dry_run(self, sent: Document, manager: str, force: bool) -> Document:
        return self.webhooks.ask(
            lambda: self.cluster.apply(
                sent,
                manager=manager,
                force=force,
                dry_run=True,
                deadline=self.deadline,
                retry_if=worth_rehearsing_again,
            )
        )

    def _try(self, document: Document) -> Document:
        return self.cluster.create(document, dry_run=True, deadline=self.deadline, retry_if=worth_rehearsing_again)

    def _refused(self, ref: ObjectRef, error: ApiError) -> Rehearsal:
        unjudged = unjudged_because(error)
        if unjudged:
            return Rehearsal(unjudged=unjudged)
        if error.is_namespace_terminating:
            return Rehearsal(unjudged=f"namespace {ref.namespace} is being deleted")
        if error.status in FINAL_STATUS or error.is_schema_mismatch:
            return Rehearsal(blocker=self._blocker(ref, error))
        raise ReleaseError(f"{ref}: {reason_of(error)}") from error

    def _conflict(self, ref: ObjectRef, sent: Document, manager: str, live: Document, error: ApiError) -> Rehearsal:
        takes = tuple(f"{holder}: {path}" for holder, path in field_conflicts(error))
        try:
            after = self._dry_run(sent, manager, force=True)
        except ApiError as forced:
            return self._refused(ref, forced)
        if changes_nothing(error, live, after):
            return self._alike(sent, manager, live, error)
        if self.force_conflicts or all(is_ours_to_overrule(*conflict) for conflict in field_conflicts(error)):
            return Rehearsal(after=after, takes=takes)
        blocker = Blocker(str(ref), conflict_reason(error), conflict_remedy(ref, error, sent, self.role))
        return Rehearsal(after=after, takes=takes, blocker=blocker)

    def _alike(self, sent: Document, manager: str, live: Document, error: ApiError) -> Rehearsal:
        """Both mean the same value: ours is written as the live one is, so that nothing is taken from anybody."""
        same = aligned(error, sent, live)
        try:
            return Rehearsal(after=self._dry_run(same, manager, force=False), sent=same)
        except ApiError as again:
            if not again.is_field_conflict:
                return self._refused(ObjectRef.of(sent), again)
            return Rehearsal(after=self._dry_run(sent, manager, force=True))

    def _blocker(self, ref: ObjectRef, error: ApiError) -> Blocker:
        return Blocker(str(ref), reason_of(error), remedy_of(error, self.role))


def is_ours_to_overrule(manager: str, path: str) -> bool:
    """Whether a conflict is no reason to stop.

    Releases that share a namespace, and the handover of a field, have field managers of their own below ours. An
    autoscaler that is gone leaves the replicas to the controller manager; while there is one they are not sent.
    """
    return manager.startswith(FIELD_MANAGER) or (manager == "kube-controller-manager" and path == ".spec.replicas")
