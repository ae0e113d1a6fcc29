# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deletes what an earlier version of a release had and the new one has not."""

from __future__ import annotations

from ..client.cluster import Cluster
from ..deadline import Deadline
from ..inventory.record import ADOPTED_ANNOTATION, RELEASE_LABEL
from ..objects import Document, ObjectRef

# Deleting one of these deletes what others keep in it; only `state: absent` does that.
NEVER_PRUNED = frozenset({"Namespace", "CustomResourceDefinition", "PersistentVolumeClaim"})


def belongs_to(live: Document | None, release: str) -> bool:
    """True when the object exists, is not being deleted, and carries our label of this release."""
    metadata = (live or {}).get("metadata") or {}
    return (metadata.get("labels") or {}).get(RELEASE_LABEL) == release and not metadata.get("deletionTimestamp")


def is_adopted(live: Document) -> bool:
    """True when the object existed before the release took it over."""
    return ADOPTED_ANNOTATION in ((live.get("metadata") or {}).get("annotations") or {})


def prune(
    cluster: Cluster,
    release: str,
    old: frozenset[ObjectRef],
    wanted: set[ObjectRef],
    check_mode: bool,
    deadline: Deadline,
) -> tuple[list[ObjectRef], list[ObjectRef]]:
    """(deleted, kept): deleted are the objects of `old` not `wanted`; kept those that only removal may take away."""
    identities = {ref.identity for ref in wanted}
    pruned, kept = [], []
    for ref in sorted(old):
        if ref.identity in identities:
            continue
        live = cluster.get(ref.api_version, ref.kind, ref.name, ref.namespace, deadline)
        if live is None or not belongs_to(live, release):
            continue
        if ref.kind in NEVER_PRUNED or is_adopted(live):
            kept.append(ref)
            continue
        cluster.delete(
            ref.api_version,
            ref.kind,
            ref.name,
            ref.namespace,
            uid=live["metadata"]["uid"],
            dry_run=check_mode,
            deadline=deadline,
        )
        pruned.append(ref)
    return pruned, kept
