# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists of objects without their bodies: enough to tell whose they are, and small on a full cluster."""

from __future__ import annotations

from ..deadline import Deadline
from ..errors import ApiError
from ..objects import Document
from .backoff import worth_retrying
from .cluster import Cluster
from .discovery import Resource
from .listing import list_objects


def list_metadata(
    cluster: Cluster,
    resource: Resource,
    namespace: str | None = None,
    label_selector: str | None = None,
    deadline: Deadline | None = None,
) -> list[Document]:
    """Objects of a kind as {apiVersion, kind, metadata}. Raises ApiError, and ClusterError for an answer of no use.

    A path that is not served is not tried again: its CRD or its server is going.
    """
    return list_objects(
        cluster.transport, resource, namespace, label_selector, deadline, metadata_only=True, retry_if=_may_pass
    )


def _may_pass(error: ApiError) -> bool:
    return worth_retrying(error) and not error.is_not_from_kubernetes
