# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a release had before an upgrade, kept on the cluster until the upgrade is complete.

It is what we had applied, as the objects' managed fields tell, and so goes back exactly, with every option and overlay
of then and without any content from a network; Helm keeps its manifests on the cluster in the same way. Values of
Secrets are not kept.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass

from ...plain_copy import plain_copy
from ..client.cluster import FIELD_MANAGER, Cluster
from ..deadline import Deadline
from ..errors import ReleaseError
from ..objects import Document, ObjectRef
from .managed_fields import applied_fields
from .ownership import MANAGED_BY, MANAGED_BY_LABEL, Origin

FORMER_LABEL = "serverless.selfhosted/former"
FORMER_MANAGER = "selfhosted.serverless-former"
MOST_BYTES = 700_000  # a ConfigMap holds 1 MiB; binary data grows by a third in transfer
KEY = "documents.json.gz"


@dataclass(frozen=True)
class Former:
    """The version that stood before, and its documents."""

    version: str
    documents: list[Document]


def owned_document(live: Document, manager: str = FIELD_MANAGER) -> Document:
    """What `manager` has applied to an object, to be applied again; without the values of Secrets."""
    document = applied_fields(plain_copy(live), manager)
    ref = ObjectRef.of(live)
    metadata = {**(document.get("metadata") or {}), "name": ref.name}
    if ref.namespace:
        metadata["namespace"] = ref.namespace
    if ref.kind == "Secret":
        document.pop("data", None)
    return {**document, "apiVersion": ref.api_version, "kind": ref.kind, "metadata": metadata}


def manager_of(origin: Origin, release: str) -> str:
    """The field manager by which a release has applied an object."""
    return f"{FIELD_MANAGER}/{release}" if origin is Origin.SHARED else FIELD_MANAGER


def former_name(release: str) -> str:
    """Name of the ConfigMap."""
    return f"former-{release}"


def write_former(
    cluster: Cluster, release: str, version: str, documents: Iterable[Document], namespace: str, deadline: Deadline
) -> None:
    """Store them in the place of what was kept before. Raises ReleaseError for too much, and ApiError."""
    lines = "\n".join(json.dumps(document, sort_keys=True) for document in documents)
    packed = gzip.compress(lines.encode(), mtime=0)
    if len(packed) > MOST_BYTES:
        raise ReleaseError(
            f"release '{release}': what stands is too much to be kept for a way back ({len(packed)} bytes packed, "
            f"{MOST_BYTES} at the most)"
        )
    stored = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": former_name(release),
            "namespace": namespace,
            "labels": {MANAGED_BY_LABEL: MANAGED_BY, FORMER_LABEL: release},
        },
        "data": {"version": version},
        "binaryData": {KEY: base64.b64encode(packed).decode()},
    }
    cluster.apply(stored, manager=FORMER_MANAGER, force=True, deadline=deadline)


def read_former(cluster: Cluster, release: str, namespace: str, deadline: Deadline) -> Former | None:
    """What is kept of a release; None where nothing is. Raises ReleaseError for what is damaged."""
    stored = cluster.get("v1", "ConfigMap", former_name(release), namespace, deadline)
    if stored is None:
        return None
    try:
        lines = gzip.decompress(base64.b64decode(stored["binaryData"][KEY])).decode().splitlines()
        return Former(stored["data"]["version"], [json.loads(line) for line in lines])
    except (KeyError, ValueError, OSError, EOFError) as error:
        raise ReleaseError(f"{ObjectRef.of(stored)}, which holds what stood before an upgrade, is damaged") from error


def delete_former(cluster: Cluster, release: str, namespace: str, deadline: Deadline) -> None:
    """Keep it no longer."""
    cluster.delete("v1", "ConfigMap", former_name(release), namespace, deadline=deadline)
