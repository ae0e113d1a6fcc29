# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others have around a release: instances of its CRDs, shares in a namespace, finalizers that hold an object."""

from __future__ import annotations

from ..client.cluster import FIELD_MANAGER, Cluster
from ..deadline import Deadline
from ..inventory.record import RELEASE_LABEL
from ..objects import Document, ObjectRef


def foreign_instances(cluster: Cluster, definition: Document, release: str, deadline: Deadline) -> list[str]:
    """Objects of a CRD's kind that neither belong to `release` nor have an owner, in short form."""
    spec = definition["spec"]
    stored = next((version["name"] for version in spec["versions"] if version.get("storage")), None)
    served = [version["name"] for version in spec["versions"] if version.get("served")]
    version = stored if stored in served else (served or [None])[0]
    if version is None:
        return []
    items = cluster.list(f"{spec['group']}/{version}", spec["names"]["kind"], deadline=deadline)
    foreign = []
    for item in items:
        metadata = item["metadata"]
        if (metadata.get("labels") or {}).get(RELEASE_LABEL) != release and not metadata.get("ownerReferences"):
            foreign.append(str(ObjectRef.of(item)))
    return foreign


def other_release(live: Document, release: str) -> str | None:
    """A release of ours, not `release`, that shares this namespace by a field manager of its own."""
    prefix = FIELD_MANAGER + "/"
    for entry in live["metadata"].get("managedFields") or []:
        manager = entry.get("manager", "")
        if manager.startswith(prefix) and manager != prefix + release and entry.get("fieldsV1"):
            return manager[len(prefix) :]
    return None


def what_holds(ref: ObjectRef, live: Document) -> str:
    """Why an object that is being deleted is still there, and what to look at."""
    finalizers = list(live["metadata"].get("finalizers") or []) + list((live.get("spec") or {}).get("finalizers") or [])
    held = f"{ref}: held by " + (
        ", ".join(finalizers) if finalizers else "nothing visible (its dependents may be going)"
    )
    conditions = (live.get("status") or {}).get("conditions") or []
    reasons = [
        condition["message"]
        for condition in conditions
        if condition.get("status") == "True"
        and condition.get("message")
        and "ed successfully" not in condition["message"]
    ]
    if ref.kind == "Namespace" and reasons:
        held += "; " + "; ".join(reasons)
    return held + "; the controller that removes its finalizers must be running"
