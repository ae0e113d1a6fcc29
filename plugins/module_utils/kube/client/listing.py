# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""LIST of a kind: whole, page by page where the server pages, or the metadata alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..deadline import Deadline
from ..errors import ApiError
from ..objects import Document
from .answers import list_fault
from .discovery import Resource
from .transport import JSON_TYPE, Transport

METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_RESTARTS = 3  # of a listing whose continue token has expired


def list_objects(
    transport: Transport,
    resource: Resource,
    namespace: str | None,
    label_selector: str | None,
    deadline: Deadline | None,
    *,
    metadata_only: bool,
    retry_if: Callable[[ApiError], bool],
) -> list[Document]:
    """All objects, each with apiVersion and kind. Raises ApiError and ClusterError."""
    restarts, token = 0, ""
    items: list[Document] = []
    while True:
        query = {"labelSelector": label_selector, "continue": token}
        try:
            answer = transport.call(
                "GET",
                resource.path(namespace),
                query={key: value for key, value in query.items() if value},
                accept=f"{METADATA_ONLY},{JSON_TYPE}" if metadata_only else JSON_TYPE,
                deadline=deadline,
                retry_if=retry_if,
                fault_of=lambda answer: _fault(answer, resource, metadata_only),
            )
        except ApiError as error:
            if error.status != 410 or not token or restarts == _RESTARTS:
                raise
            restarts, token, items = restarts + 1, "", []
            continue
        items += answer["items"] or []
        token = answer["metadata"].get("continue") or ""
        if not token:
            return [_complete(item, resource, metadata_only) for item in items]


def _fault(answer: Any, resource: Resource, metadata_only: bool) -> str:
    # A server that does not know the short form answers with the objects.
    if metadata_only and isinstance(answer, dict) and answer.get("kind") == "PartialObjectMetadataList":
        return list_fault(answer, "meta.k8s.io/v1", "PartialObjectMetadata")
    return list_fault(answer, resource.api_version, resource.kind)


def _complete(item: Document, resource: Resource, metadata_only: bool) -> Document:
    """A LIST leaves apiVersion and kind out of its items, and the short form has its own."""
    if metadata_only:
        return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": item["metadata"]}
    item.setdefault("apiVersion", resource.api_version)
    item.setdefault("kind", resource.kind)
    return item
