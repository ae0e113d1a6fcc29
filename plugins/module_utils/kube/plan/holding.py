# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why an object that is being deleted is still there."""

from __future__ import annotations

from ..client.cluster import Cluster
from ..deadline import Deadline
from ..objects import Document, ObjectRef

MOST_NAMED = 3
FOREGROUND = "foregroundDeletion"


def what_holds(cluster: Cluster, live: Document, deadline: Deadline) -> str:
    """One sentence: the finalizers, of a CRD its instances, of a namespace what its conditions say."""
    ref = ObjectRef.of(live)
    if ref.kind == "CustomResourceDefinition":
        instances = instances_of(cluster, live, deadline)
        if instances:
            return f"{ref}: {len(instances)} object(s) of its kind are left: {_named(instances)}"
    finalizers = list(live["metadata"].get("finalizers") or []) + list((live.get("spec") or {}).get("finalizers") or [])
    if ref.kind == "Namespace":
        reasons = _conditions(live)
        return f"{ref}: {'; '.join(reasons) if reasons else 'its content is being deleted'}"
    if FOREGROUND in finalizers and len(finalizers) == 1:
        return f"{ref}: what it owns is being deleted first"
    if not finalizers:
        return f"{ref}: its deletion has begun"
    return f"{ref}: held by {', '.join(finalizers)}; the controller that takes them off must be running"


def instances_of(cluster: Cluster, definition: Document, deadline: Deadline) -> list[Document]:
    """Metadata of all objects of a CRD's kind; none when the CRD is gone. Raises KubeError."""
    api_version = served_version(definition)
    if not api_version:
        return []
    return cluster.list(api_version, definition["spec"]["names"]["kind"], deadline=deadline, metadata_only=True)


def served_version(definition: Document) -> str:
    """The API version of a CRD's kind that is served, the stored one if possible; empty when none is."""
    spec = definition["spec"]
    versions = sorted(spec["versions"], key=lambda version: not version.get("storage"))
    served = [version["name"] for version in versions if version.get("served")]
    return f"{spec['group']}/{served[0]}" if served else ""


def _named(items: list[Document]) -> str:
    parts = []
    for item in items[:MOST_NAMED]:
        finalizers = item["metadata"].get("finalizers") or []
        parts.append(f"{ObjectRef.of(item)}" + (f" (held by {', '.join(finalizers)})" if finalizers else ""))
    return ", ".join(parts) + (f" and {len(items) - MOST_NAMED} more" if len(items) > MOST_NAMED else "")


def _conditions(live: Document) -> list[str]:
    conditions = (live.get("status") or {}).get("conditions") or []
    return [
        condition["message"]
        for condition in conditions
        if condition.get("status") == "True"
        and condition.get("message")
        and "ed successfully" not in condition["message"]
    ]
