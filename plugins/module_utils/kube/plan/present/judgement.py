# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of one document of a release: it is held against the live object, and the server rehearses the rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...client.cluster import FIELD_MANAGER
from ...desired.sent_fields import autoscaled, sent_fields
from ...inventory.inventory import holders
from ...inventory.managed_fields import owned_fields, owned_set
from ...inventory.ownership import is_adopted, is_terminating, ownership_metadata, release_of, uid_of
from ...objects import Document, ObjectRef
from ..plan import UNCHANGED, Action, Blocker, Step
from .data_guards import with_stored_values
from .drift import settled
from .handover import handover
from .options import PresentOptions
from .rehearsal import Rehearsal, Rehearser
from .scene import Scene


class Judge:
    """Decides about the documents of one release. Thread-safe; reads and rehearses, writes nothing."""

    def __init__(self, scene: Scene, options: PresentOptions, documents: Iterable[Document]) -> None:
        self.scene = scene
        self.wanted = {ObjectRef.of(document).identity for document in documents}
        self.options = options
        self.release = options.release
        self.rehearser = Rehearser(scene.cluster, scene.deadline, options.force_conflicts, options.role)

    def step(self, document: Document) -> tuple[Step, Blocker | None]:
        """The step for a document, and what forbids it. Raises KubeError where no answer can be had."""
        ref = ObjectRef.of(document)
        if self.scene.cluster.discovery.look_up(ref.api_version, ref.kind, self.scene.deadline) is None:
            return self._create(ref, self._to_send(document), "its kind is not served yet", None)
        live = self.scene.live(ref)
        above = self.scene.ends_with(ref)
        blocker = self._ends_for_good(ref, above) if above else None
        if live is None:
            step, found = self._missing(ref, self._to_send(document), above)
            return step, blocker or found
        document = with_stored_values(document, live, self.options)
        if is_terminating(live) or above:
            reason = f"it goes with {above}, which is being deleted" if above else "it is being deleted"
            reason += ", and is made anew afterwards"
            return Step(Action.WAIT_GONE, ref, reason, live, self._to_send(document), FIELD_MANAGER), blocker
        if self.options.check_mode and self.scene.goes_with_what_leaves(live):
            return self._create(ref, self._to_send(document), "in the place of the former one, which goes", None)
        return self._there(ref, document, live)

    def _ends_for_good(self, ref: ObjectRef, above: ObjectRef) -> Blocker | None:
        """What forbids an object whose namespace or CRD is being deleted and not made anew by this release.

        In check mode an earlier release of the same run may be about to make it.
        """
        if self.options.check_mode or above.identity in self.wanted:
            return None
        what = f"{above} is being deleted, and this release does not make it anew"
        return Blocker(str(ref), what, f"Have the release that {above} belongs to applied first")

    def _missing(self, ref: ObjectRef, sent: Document, above: ObjectRef | None) -> tuple[Step, Blocker | None]:
        if above and above.kind != "Namespace":
            # The server refuses new objects of a kind that goes.
            return self._create(ref, sent, f"it is not there; {above} is being deleted and made anew before it", None)
        if ref.namespace and (above or ref.namespace not in self.scene.namespaces):
            return self._create(ref, sent, "it is not there", self.rehearser.elsewhere(sent))
        return self._create(ref, sent, "it is not there", self.rehearser.apply(sent, FIELD_MANAGER, None))

    def _create(
        self, ref: ObjectRef, sent: Document, reason: str, rehearsal: Rehearsal | None
    ) -> tuple[Step, Blocker | None]:
        after = (rehearsal.after if rehearsal else None) or sent
        if rehearsal and rehearsal.unjudged:
            reason = f"{reason}; cannot be judged before the run: {rehearsal.unjudged}"
        shown = owned_fields(after, FIELD_MANAGER) or sent
        step = Step(Action.CREATE, ref, reason, None, sent, FIELD_MANAGER, {}, _shown(shown))
        return step, rehearsal.blocker if rehearsal else None

    def _there(self, ref: ObjectRef, document: Document, live: Document) -> tuple[Step, Blocker | None]:
        owner = release_of(live)
        shared = bool(owner) and owner != self.release
        if shared and ref.kind != "Namespace" and holders(ref.identity, self.scene.others):
            what = f"it belongs to the release '{owner}' of this collection"
            remedy = f"Take it out of '{self.release}', or remove release '{owner}' first"
            return Step(Action.KEEP, ref, what, live), Blocker(str(ref), what, remedy)
        shared = shared and ref.kind == "Namespace"
        # It was there before us where it says so itself, or where nothing of ours is on it but a label that was copied.
        adopted = not shared and (is_adopted(live) or not owner or not self._is_known(ref, live))
        # A namespace of two releases: each owns its labels under a manager name of its own.
        manager = f"{FIELD_MANAGER}/{self.release}" if shared else FIELD_MANAGER
        sent = self._to_send(document, shared, adopted, live, owned_set(live, manager))
        if settled(sent, live, manager) or (shared and not _says_anything(sent)):
            return Step(Action.KEEP, ref, UNCHANGED, live, sent, manager), None
        action, reason = (Action.CHANGE, "it differs")
        if adopted and not is_adopted(live):
            action, reason = (Action.ADOPT, "it was there before")
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
        # With a handover the two were rehearsed as one, and are sent as two.
        final = sent if handed_over else rehearsal.sent or sent
        step = Step(action, ref, reason, live, final, manager, *shown, rehearsal.takes, handed_over)
        return step, rehearsal.blocker

    def _is_known(self, ref: ObjectRef, live: Document) -> bool:
        """Whether we have applied the object, or it is the very one of the inventory."""
        entry = self.scene.inventory.by_identity.get(ref.identity) if self.scene.inventory else None
        return bool(owned_set(live, FIELD_MANAGER)) or (entry is not None and entry.uid in ("", uid_of(live)))

    def _to_send(
        self,
        document: Document,
        shared: bool = False,
        adopted: bool = False,
        live: Document | None = None,
        owned: dict[str, Any] | None = None,
    ) -> Document:
        """The document as it is sent: our fields, our labels, and whether the object was there before us."""
        sent = sent_fields(document, self.options.ignore_fields, owned)
        if autoscaled(document, self.scene.autoscaled):
            sent.get("spec", {}).pop("replicas", None)
        if not shared:
            for part, values in ownership_metadata(self.release, adopted, live).items():
                sent["metadata"][part] = {**(sent["metadata"].get(part) or {}), **values}
        return sent


def _says_anything(sent: Document) -> bool:
    """Whether a shared namespace's document sets anything but the name."""
    return set(sent) - {"apiVersion", "kind", "metadata"} != set() or set(sent["metadata"]) - {"name"} != set()


def _shown(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if key not in ("apiVersion", "kind")}
