# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds what belongs to a release: by its inventory, or by the labels on the objects."""

from __future__ import annotations

from collections.abc import Iterable

from ..client.cluster import FIELD_MANAGER, Cluster
from ..client.discovery import Resource
from ..deadline import Deadline
from ..desired.stages import is_custom
from ..errors import ApiError, ReleaseError
from ..objects import Document, ObjectRef
from ..parallel import for_each
from .inventory import Entry
from .managed_fields import owned_set
from .ownership import RELEASE_LABEL, Origin, is_adopted, release_of, uid_of

LIST_SECONDS = 10.0  # an aggregated API whose server is away must not use up the whole time


def find_live(cluster: Cluster, entries: Iterable[Entry], deadline: Deadline) -> dict[Entry, Document]:
    """The objects of `entries` that are there. Raises ReleaseError.

    A kind whose version is no longer served is read in the version that is.
    """
    preferred = {(resource.group, resource.kind): resource.api_version for resource in cluster.discovery.all()}

    def read(entry: Entry) -> tuple[Entry, Document | None]:
        ref = entry.ref
        version = ref.api_version
        if cluster.discovery.find(version, ref.kind) is None:
            version = preferred.get((ref.group, ref.kind), version)
        return entry, cluster.get(version, ref.kind, ref.name, ref.namespace, deadline)

    found, errors = for_each(read, sorted(entries))
    if errors:
        raise ReleaseError.of("reading what is there", errors)
    return {entry: live for entry, live in found if live is not None}


def find_labelled(cluster: Cluster, release: str, deadline: Deadline) -> tuple[list[Entry], list[str]]:
    """Without an inventory: an entry for every object that carries our label of this release, and what could not be
    listed. Raises ReleaseError."""
    selector = f"{RELEASE_LABEL}={release}"
    kinds = [item for item in cluster.discovery.all() if {"list", "delete"} <= item.verbs]
    unreadable: list[str] = []

    def listed(resource: Resource) -> list[Document]:
        limit = Deadline(min(LIST_SECONDS, deadline.remaining))
        try:
            return cluster.list(resource.api_version, resource.kind, label_selector=selector, deadline=limit)
        except ApiError as error:
            if error.status in (404, 405):
                return []
            # Not ours to read, or somebody's broken kind: an aggregated API or a webhook for conversion that is away, a
            # version that nobody has migrated. The API server itself must answer.
            if error.status == 403 or (error.is_server_fault and is_custom(resource.api_version)):
                unreadable.append(f"{resource.kind} of {resource.api_version}: {error.message or error.reason}")
                return []
            raise

    lists, errors = for_each(listed, kinds)
    if errors:
        raise ReleaseError.of("looking for labelled objects", errors)
    # Controllers copy labels to what they make, such as Endpoints: only what we applied ourselves is meant.
    items = [item for found in lists for item in found if owned_set(item, FIELD_MANAGER) and release_of(item)]
    return [entry_of(item) for item in items], sorted(unreadable)


def entry_of(live: Document) -> Entry:
    """The inventory entry of an object, as far as the object itself tells."""
    origin = Origin.ADOPTED if is_adopted(live) else Origin.CREATED
    return Entry(ObjectRef.of(live), origin, uid_of(live), live["kind"] == "PersistentVolumeClaim")
