# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of documents on a cluster, of all releases of a run at once, before the first is applied.

The plan of each release judges every object by a rehearsal; it comes when the releases before it are there. Here is
what can be told of all of them with a few requests: rights, node ports of others, storage classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ..client.cluster import Cluster
from ..deadline import Deadline
from ..desired.documents import placed
from ..errors import ApiError
from ..inventory.store import read_inventories
from ..objects import Document
from ..rights.needed import rights_of_documents, rights_of_every_run
from ..rights.review import lacking, refused_rights, told
from ..storage_classes import API as STORAGE_CLASS
from ..storage_classes import is_default
from .present.existing import ExistingPolicy, applied_beside, foreign_installation
from .present.needs import unmet
from .present.node_ports import range_of_node_ports, taken_node_ports, wants_node_ports


@dataclass(frozen=True)
class Planned:
    """A release to be applied: its name, its documents, and what to do with an installation of somebody else."""

    name: str
    documents: list[Document]
    existing: ExistingPolicy


@dataclass
class ToApply:
    """What a run will apply: the documents, and what others must have before (needs as in present/needs.py)."""

    documents: list[Document]
    needs: list[dict[str, Any]]


def to_apply(cluster: Cluster, releases: Sequence[Planned], record_namespace: str, deadline: Deadline) -> ToApply:
    """Return what will be applied: of an installation that is left as it is, the documents beside it alone.

    A release that stands needs no more what its installation did.
    """
    stored = {inventory.release: inventory for inventory in read_inventories(cluster, record_namespace, deadline)}
    found = ToApply([], [])
    for release in releases:
        inventory = stored.get(release.name)
        foreign = foreign_installation(cluster, release.name, inventory, release.existing, deadline)
        found.documents += applied_beside(release.documents, release.existing) if foreign else release.documents
        found.needs += [] if foreign or inventory else release.existing.needs
    found.documents = placed(found.documents, None, cluster.discovery)
    return found


def obstacles(
    cluster: Cluster, planned: ToApply, record_namespace: str, deadline: Deadline
) -> tuple[list[str], list[str]]:
    """Return a sentence for each obstacle, with what to do, and one for each that may be one.

    Raises KubeError where the cluster does not answer.
    """
    documents = planned.documents
    rights = rights_of_every_run(record_namespace) | rights_of_documents(documents, cluster.discovery)
    missing = told(lacking(cluster, rights, deadline))
    if missing:
        return [refused_rights(missing)], []
    missing = [f"{blocker.what}. {blocker.remedy}" for blocker in unmet(cluster, planned.needs, deadline)]
    ports, warnings = _node_ports(cluster, documents, deadline)
    return [*missing, *ports, *_storage(cluster, documents, deadline)], warnings


def _node_ports(cluster: Cluster, documents: list[Document], deadline: Deadline) -> tuple[list[str], list[str]]:
    if not wants_node_ports(documents):
        return [], []
    services = cluster.list("v1", "Service", deadline=deadline)
    allowed = range_of_node_ports(cluster, documents, deadline)
    blockers, warnings = taken_node_ports(documents, services, frozenset(), allowed)
    return [f"{blocker.what}, which {blocker.where} wants. {blocker.remedy}" for blocker in blockers], warnings


def _storage(cluster: Cluster, documents: Iterable[Document], deadline: Deadline) -> list[str]:
    """Claims whose class is not there; those that are bound already are as they are."""
    claims = [document for document in documents if document["kind"] == "PersistentVolumeClaim"]
    wanted = [claim for claim in claims if not _is_there(cluster, claim, deadline)]
    if not wanted:
        return []
    try:
        classes = cluster.list(*STORAGE_CLASS, deadline=deadline)
    except ApiError as error:
        if error.status != 403:
            raise
        return []
    names = sorted(item["metadata"]["name"] for item in classes)
    has_default = any(is_default(item) for item in classes)
    there = f"there are: {', '.join(names)}" if names else "there is none"
    found = []
    for claim in wanted:
        metadata, name = claim["metadata"], (claim.get("spec") or {}).get("storageClassName")
        whose = f"the claim {metadata.get('namespace')}/{metadata['name']}"
        if name and name not in names:
            found.append(f"{whose} wants the storage class {name}, which the cluster does not have; {there}")
        elif name is None and not has_default:
            found.append(f"{whose} names no storage class, and the cluster has no default one; {there}. Name one")
    return found


def _is_there(cluster: Cluster, claim: Document, deadline: Deadline) -> bool:
    metadata = claim["metadata"]
    kind = ("v1", "PersistentVolumeClaim")
    return cluster.get(*kind, metadata["name"], metadata.get("namespace"), deadline) is not None
