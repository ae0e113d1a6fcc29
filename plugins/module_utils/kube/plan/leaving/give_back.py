# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent to give an object back: nothing but its name, so that the server takes off all that only we own.

Where that would leave the object broken, values stay and only their ownership goes (remove/give_back.py).
"""

from __future__ import annotations

import json
from typing import Any

from ...client.backoff import worth_rehearsing_again
from ...client.cluster import FIELD_MANAGER, Cluster
from ...deadline import Deadline
from ...errors import ApiError
from ...inventory.managed_fields import owned_fields, owned_set
from ...inventory.ownership import ADOPTED_ANNOTATION, is_adopted, labels_beside, ownership_labels
from ...objects import Document, ObjectRef
from ..plan import Action, Step
from ..present.handover import HANDOVER_MANAGER

FAMILY = FIELD_MANAGER + "/"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_IDENTITY = ("apiVersion", "kind", "metadata")
MOST_TRIES = 5


def share_manager(release: str) -> str:
    """The field manager of a release that shares a namespace which another one made or adopted."""
    return FAMILY + release


def managers_of_ours(live: Document) -> list[str]:
    """Our field managers that own something on the object; the release that holds it first."""
    names = {entry.get("manager") or "" for entry in live["metadata"].get("managedFields") or []}
    ours = [name for name in names if name == FIELD_MANAGER or name.startswith(FAMILY) and name != HANDOVER_MANAGER]
    return sorted(name for name in ours if owned_set(live, name))


def give_back(cluster: Cluster, live: Document, manager: str, reason: str, deadline: Deadline) -> Step:
    """The step that takes off what `manager` set. Rehearses it where more than metadata is ours. Raises ApiError."""
    before = owned_fields(live, manager)
    document = bare(live)
    if set(before) - set(_IDENTITY):
        document |= _as_applied_before(live, manager)
        document = _that_holds(cluster, document, live, manager, before, deadline)
    after = {key: value for key, value in document.items() if key not in ("apiVersion", "kind", "metadata")}
    return Step(Action.GIVE_BACK, ObjectRef.of(live), reason, live, document, manager, before, after)


def pass_on(live: Document, heir: str, reason: str) -> list[Step]:
    """The steps by which a namespace becomes that of `heir`: our labels name it, and what it had set is set by the
    manager of the holder, so that no manager of a release stays behind that could conflict later."""
    share = owned_fields(live, share_manager(heir)).get("metadata") or {}
    document = bare(live)
    ours = labels_beside(heir, live) if is_adopted(live) else ownership_labels(heir)
    labels = {**(share.get("labels") or {}), **ours}
    annotations = dict(share.get("annotations") or {})
    if is_adopted(live):
        annotations[ADOPTED_ANNOTATION] = "true"
    document["metadata"] |= {"labels": labels} | ({"annotations": annotations} if annotations else {})
    before, ref = owned_fields(live, FIELD_MANAGER), ObjectRef.of(live)
    shown = {key: value for key, value in document["metadata"].items() if key in ("labels", "annotations")}
    steps = [Step(Action.GIVE_BACK, ref, reason, live, document, FIELD_MANAGER, before, {"metadata": shown})]
    if owned_set(live, share_manager(heir)):
        steps.append(drop_share(live, share_manager(heir), f"held by release '{heir}' itself from now on"))
    return steps


def drop_share(live: Document, manager: str, reason: str) -> Step:
    """The step that takes a release's own manager off a namespace."""
    before = owned_fields(live, manager)
    return Step(Action.GIVE_BACK, ObjectRef.of(live), reason, live, bare(live), manager, before)


def bare(live: Document) -> Document:
    """The name alone. With the uid the server makes nothing anew, and leaves another object of that name alone."""
    metadata = {key: live["metadata"][key] for key in ("name", "namespace", "uid") if live["metadata"].get(key)}
    return {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": metadata}


def _as_applied_before(live: Document, manager: str) -> dict[str, Any]:
    """The values that its owner gave by kubectl apply to what is ours now, as far as kubectl noted them."""
    noted = (live["metadata"].get("annotations") or {}).get(LAST_APPLIED)
    if not noted:
        return {}
    try:
        applied = json.loads(noted)
    except ValueError:
        return {}
    shape = {**applied, "metadata": {"managedFields": live["metadata"].get("managedFields")}}
    return {key: value for key, value in owned_fields(shape, manager).items() if key not in _IDENTITY}


def _that_holds(
    cluster: Cluster, document: Document, live: Document, manager: str, owned: dict[str, Any], deadline: Deadline
) -> Document:
    """`document`, with as many of our values as the server needs to find the object valid without us."""
    for _try in range(MOST_TRIES):
        try:
            cluster.apply(
                document, manager=manager, force=True, dry_run=True, deadline=deadline, retry_if=worth_rehearsing_again
            )
            return document
        except ApiError as error:
            if error.status != 422:
                return document  # cannot be judged now, such as while a webhook is away; the run itself will tell
            wider = document | _needed(owned, error)
            if wider == document:
                break
            document = wider
    return bare(live) | {key: value for key, value in owned.items() if key not in _IDENTITY}


def _needed(owned: dict[str, Any], error: ApiError) -> dict[str, Any]:
    """What we own in the parts of the object that the server finds invalid."""
    parts = {cause.get("field", "").split(".")[0].split("[")[0] for cause in error.causes}
    return {key: value for key, value in owned.items() if key in parts and key not in _IDENTITY}
