# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a release: a ConfigMap that lists the objects which belong to it, for pruning and removal.

It is written twice per change: before applying with the union of old and new, afterwards exactly. A run that dies in
between therefore forgets nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..apply.refusals import explain
from ..client.cluster import Cluster
from ..deadline import Deadline
from ..errors import ApiError, ReleaseError
from ..objects import Document, ObjectRef

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "selfhosted.serverless"
RELEASE_LABEL = "serverless.selfhosted/release"
RECORD_LABEL = "serverless.selfhosted/record"
# On an object that was there before us: removal gives it back (takes our fields off) and does not delete it.
ADOPTED_ANNOTATION = "serverless.selfhosted/adopted"
RECORD_MANAGER = "selfhosted.serverless-record"


def record_name(release: str) -> str:
    """Name of the ConfigMap."""
    return f"release-{release}"


@dataclass(frozen=True)
class Record:
    """What belongs to a release, and the version of its content (may be empty)."""

    objects: frozenset[ObjectRef]
    version: str = ""


def read_record(cluster: Cluster, release: str, namespace: str, deadline: Deadline) -> Record | None:
    """The stored record, or None when the release is not there."""
    stored = cluster.get("v1", "ConfigMap", record_name(release), namespace, deadline)
    if stored is None:
        return None
    data = stored.get("data") or {}
    lines = (data.get("objects") or "").splitlines()
    return Record(frozenset(ObjectRef.from_line(line) for line in lines if line.strip()), data.get("version") or "")


def write_record(cluster: Cluster, release: str, namespace: str, record: Record, deadline: Deadline) -> None:
    """Store the record, replacing what it said before."""
    document = _document(release, namespace, record)
    try:
        cluster.apply(document, manager=RECORD_MANAGER, force=True, deadline=deadline)
    except ApiError as error:
        raise ReleaseError(explain(ObjectRef.of(document), error)) from error


def delete_record(cluster: Cluster, release: str, namespace: str, deadline: Deadline) -> None:
    cluster.delete("v1", "ConfigMap", record_name(release), namespace, deadline=deadline)


def _document(release: str, namespace: str, record: Record) -> Document:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": record_name(release),
            "namespace": namespace,
            "labels": {MANAGED_BY_LABEL: MANAGED_BY, RECORD_LABEL: release},
        },
        "data": {"version": record.version, "objects": "\n".join(ref.to_line() for ref in sorted(record.objects))},
    }
