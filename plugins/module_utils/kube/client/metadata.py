# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of objects without their bodies: enough to tell whose they are, and small on a full cluster."""

from __future__ import annotations

from typing import Any

from ..deadline import Deadline
from ..errors import ApiError, ReleaseError
from ..objects import Document
from .backoff import worth_retrying
from .cluster import Cluster
from .discovery import Resource

ACCEPT = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"


def list_metadata(
    cluster: Cluster,
    resource: Resource,
    namespace: str | None = None,
    label_selector: str | None = None,
    deadline: Deadline | None = None,
) -> list[Document]:
    """Objects of a kind as {apiVersion, kind, metadata}. Raises ApiError, and ReleaseError for an answer of no use.

    A path that is not served is not tried again: its CRD or its server is going.
    """
    query: dict[str, Any] | None = {"labelSelector": label_selector} if label_selector else None
    path = resource.path(namespace)
    answer = cluster.transport.call("GET", path, query=query, accept=ACCEPT, deadline=deadline, retry_if=_may_pass)
    if not isinstance(answer, dict) or not str(answer.get("kind") or "").endswith("List"):
        raise ReleaseError(f"GET {path}: the answer is no list")
    return [
        {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": item["metadata"]}
        for item in answer.get("items") or []
    ]


def _may_pass(error: ApiError) -> bool:
    return worth_retrying(error) and not error.is_not_from_kubernetes
