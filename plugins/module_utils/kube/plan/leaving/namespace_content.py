# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in a namespace that is neither ours nor made by the cluster. Deleting the namespace would delete it too.

Every kind that can be listed and deleted is looked at, as the namespace controller does it, except those whose objects
are nobody's loss; sources of the rules: pkg/controller/namespace/deletion of Kubernetes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...client.cluster import Cluster
from ...client.discovery import Resource
from ...deadline import Deadline
from ...errors import ApiError, KubeError
from ...inventory.lookup import LIST_SECONDS
from ...inventory.owners import Going, families
from ...objects import Document, ObjectRef
from ...parallel import for_each
from .cluster_made import ALWAYS, is_cluster_made
from .residue import is_residue

MOST_NAMED = 3


@dataclass
class Content:
    """The objects of others in one namespace (without those that another of them owns), and what cannot be told."""

    objects: list[ObjectRef] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)

    @property
    def may_go(self) -> bool:
        return not self.objects and not self.unknown

    def __str__(self) -> str:
        parts = []
        if self.objects:
            named = ", ".join(str(ref) for ref in self.objects[:MOST_NAMED])
            more = f" and {len(self.objects) - MOST_NAMED} more" if len(self.objects) > MOST_NAMED else ""
            parts.append(f"{len(self.objects)} object(s) of others in it: {named}{more}")
        if self.unknown:
            parts.append(f"it cannot be told what else is in it ({'; '.join(self.unknown[:MOST_NAMED])})")
        return ", and ".join(parts)


def namespace_content(
    cluster: Cluster, namespaces: list[str], going: Going, residue: list[dict[str, Any]], deadline: Deadline
) -> dict[str, Content]:
    """The content of each namespace. Raises KubeError only for what is no answer to a listing."""
    if not namespaces:
        return {}
    cluster.discovery.refresh(deadline)  # kinds that others have defined in the meantime count too
    kinds = [
        item
        for item in cluster.discovery.all()
        if item.namespaced and {"list", "delete"} <= item.verbs and (item.group, item.kind) not in ALWAYS
    ]
    away = _away(cluster, going, deadline)
    return {name: _content_of(cluster, name, kinds, away, going, residue, deadline) for name in namespaces}


def _content_of(
    cluster: Cluster,
    namespace: str,
    kinds: list[Resource],
    away: list[str],
    going: Going,
    residue: list[dict[str, Any]],
    deadline: Deadline,
) -> Content:
    unknown: list[str] = list(away)

    def listed(resource: Resource) -> list[Document]:
        try:
            limit = Deadline(min(LIST_SECONDS, deadline.remaining))
            kind = (resource.api_version, resource.kind)
            return cluster.list(*kind, namespace, deadline=limit, metadata_only=True)
        except ApiError as error:
            if error.status == 405 or (error.status == 404 and error.reason == "NotFound"):
                return []
            unknown.append(f"{resource.plural}.{resource.group}".rstrip(".") + f": {error.message or error.reason}")
        except KubeError as error:
            unknown.append(f"{resource.plural}.{resource.group}".rstrip(".") + f": {error}")
        return []

    items = [item for found in for_each(listed, kinds)[0] for item in found]
    going.learn(items)
    foreign = [
        item
        for item in items
        if not is_cluster_made(item)
        and not is_residue(residue, item)
        and not _belongs_to_service(item, items)
        and not going.includes(item)
    ]
    return Content([ObjectRef.of(family[0]) for family in families(foreign)], sorted(unknown))


def _belongs_to_service(item: Document, items: list[Document]) -> bool:
    """Endpoints and their slices stand and fall with the Service of their name, which is looked at itself."""
    if item["kind"] not in ("Endpoints", "EndpointSlice"):
        return False
    metadata = item["metadata"]
    name = (metadata.get("labels") or {}).get("kubernetes.io/service-name") or metadata["name"]
    services = {
        other["metadata"]["name"] for other in items if (other["apiVersion"], other["kind"]) == ("v1", "Service")
    }
    return name in services


def _away(cluster: Cluster, going: Going, deadline: Deadline) -> list[str]:
    """Aggregated APIs that do not answer and do not go: nobody can say what they hold."""
    return [
        f"the API {item['metadata']['name']} does not answer"
        for item in cluster.list("apiregistration.k8s.io/v1", "APIService", deadline=deadline)
        if (item.get("spec") or {}).get("service") and not _available(item) and not going.includes(item)
    ]


def _available(item: Document) -> bool:
    conditions = (item.get("status") or {}).get("conditions") or []
    return any(condition.get("type") == "Available" and condition.get("status") == "True" for condition in conditions)
