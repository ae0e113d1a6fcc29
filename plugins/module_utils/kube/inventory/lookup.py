# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds what belongs to a release: by its record, or by the labels on the objects."""

from __future__ import annotations

from ..client.cluster import FIELD_MANAGER, Cluster
from ..client.discovery import Resource
from ..deadline import Deadline
from ..errors import ApiError, ReleaseError
from ..objects import Document, ObjectRef
from ..parallel import for_each
from .managed_fields import owned_set
from .record import MANAGED_BY, MANAGED_BY_LABEL, RELEASE_LABEL

LIST_SECONDS = 10.0  # an aggregated API whose server is away must not use up the whole time


def live_of(cluster: Cluster, recorded: frozenset[ObjectRef], deadline: Deadline) -> dict[ObjectRef, Document]:
    lives, errors = for_each(
        lambda ref: (ref, cluster.get(ref.api_version, ref.kind, ref.name, ref.namespace, deadline)), sorted(recorded)
    )
    if errors:
        raise ReleaseError("reading what is there: " + "\n".join(str(error) for error in errors))
    return {ref: live for ref, live in lives if live is not None}


def labelled(cluster: Cluster, release: str, deadline: Deadline) -> dict[ObjectRef, Document]:
    """Without a record: every object of any kind that carries our label of this release."""
    selector = f"{RELEASE_LABEL}={release},{MANAGED_BY_LABEL}={MANAGED_BY}"
    kinds = [item for item in cluster.discovery.all() if {"list", "delete"} <= item.verbs]

    def listed(resource: Resource) -> list[Document]:
        limit = Deadline(min(LIST_SECONDS, deadline.remaining))
        try:
            return cluster.list(resource.api_version, resource.kind, label_selector=selector, deadline=limit)
        except ApiError as error:
            if error.status in (403, 404, 405, 503):  # not ours to read, or an aggregated API that is away
                return []
            raise

    lists, errors = for_each(listed, kinds)
    if errors:
        raise ReleaseError("looking for labelled objects: " + "\n".join(str(error) for error in errors))
    # Controllers copy labels to what they make, such as Endpoints: only what we applied ourselves is meant.
    return {ObjectRef.of(item): item for items in lists for item in items if owned_set(item, FIELD_MANAGER)}
