# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides about one object that leaves a release. Never deleted: what is not ours, by inventory and by label."""

from __future__ import annotations

from ..client.cluster import FIELD_MANAGER
from ..inventory.inventory import Entry
from ..inventory.managed_fields import owned_set
from ..inventory.ownership import Origin, is_adopted, is_terminating, release_of, uid_of
from ..objects import Document, ObjectRef
from .plan import Action

DOCKER_TYPES = frozenset({"kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"})


def stranger(entry: Entry, live: Document, release: str) -> str:
    """Why the object is not that of the inventory, in words; empty when it is. Namespaces are judged elsewhere."""
    if entry.uid and uid_of(live) != entry.uid:
        return "somebody has made it anew since, so it is not ours"
    if is_ours_to_return(entry, live):
        return ""
    owner = release_of(live)
    if owner and owner != release:
        return f"it belongs to release '{owner}' now"
    if not owner:
        return "somebody has taken off our label, so it is not ours any more"
    if not entry.uid and not owned_set(live, FIELD_MANAGER):
        return "it carries our label, but somebody else has made it"
    return ""


def is_ours_to_return(entry: Entry, live: Document) -> bool:
    """True for what was there before us, or what the cluster makes by itself: it is given back, never deleted."""
    ref = ObjectRef.of(live)
    # Deleting it would end the tokens of all pods that run by it.
    cluster_account = (ref.kind, ref.name) == ("ServiceAccount", "default")
    return entry.origin is Origin.ADOPTED or is_adopted(live) or cluster_account


def verdict(entry: Entry, live: Document) -> tuple[Action, str]:
    """What happens to an object of ours, and why, as far as the object alone tells."""
    if is_ours_to_return(entry, live):
        return Action.GIVE_BACK, "it was there before the release"
    if is_terminating(live):
        return Action.WAIT_GONE, "it is being deleted"
    return Action.DELETE, "the release does not want it any more"


def is_generated(entry: Entry, live: Document) -> bool:
    """True for data, and for a Secret of a release whose inventory does not tell yet which of them was generated."""
    if entry.is_data or live["kind"] == "PersistentVolumeClaim":
        return True
    return live["kind"] == "Secret" and not entry.uid and live.get("type") not in DOCKER_TYPES
