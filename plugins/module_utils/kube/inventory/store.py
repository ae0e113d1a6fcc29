# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where inventories are stored: a ConfigMap per release in one namespace.

It is written before the first object is touched, with the union of old and new, and again at the end, exactly. A run
that dies in between therefore forgets nothing.
"""

from __future__ import annotations

from ..client.backoff import worth_rehearsing_again, worth_retrying
from ..client.cluster import Cluster
from ..deadline import Deadline
from ..errors import ReleaseError
from ..objects import Document, ObjectRef
from .inventory import Entry, Inventory
from .ownership import MANAGED_BY, MANAGED_BY_LABEL

INVENTORY_LABEL = "serverless.selfhosted/record"
INVENTORY_MANAGER = "selfhosted.serverless-record"


def inventory_name(release: str) -> str:
    """Name of the ConfigMap."""
    return f"release-{release}"


def jobs_release(release: str) -> str:
    """The name of the release that holds the jobs of another's upgrade while they run."""
    return f"{release}-jobs"


def read_inventory(cluster: Cluster, release: str, namespace: str, deadline: Deadline) -> Inventory | None:
    """The stored inventory, or None when the release is not there. Raises ReleaseError for a damaged one."""
    stored = cluster.get("v1", "ConfigMap", inventory_name(release), namespace, deadline)
    return None if stored is None else _parsed(stored)


def read_inventories(cluster: Cluster, namespace: str, deadline: Deadline) -> list[Inventory]:
    """The inventories of all releases on the cluster, sorted by name. Raises ReleaseError for a damaged one.

    A copy under another name, such as a backup, carries the same label and is none.
    """
    stored = cluster.list("v1", "ConfigMap", namespace, INVENTORY_LABEL, deadline)
    meant = [item for item in stored if item["metadata"]["name"] == inventory_name(_release_of(item))]
    return sorted((_parsed(item) for item in meant), key=lambda inventory: inventory.release)


def write_inventory(
    cluster: Cluster, inventory: Inventory, namespace: str, deadline: Deadline, dry_run: bool = False
) -> None:
    """Store the inventory in the place of what it said before."""
    document = _document(inventory, namespace)
    retry_if = worth_rehearsing_again if dry_run else worth_retrying
    cluster.apply(
        document, manager=INVENTORY_MANAGER, force=True, dry_run=dry_run, deadline=deadline, retry_if=retry_if
    )


def delete_inventory(cluster: Cluster, release: str, namespace: str, deadline: Deadline, dry_run: bool = False) -> None:
    """Forget the release: nothing of it is left."""
    retry_if = worth_rehearsing_again if dry_run else worth_retrying
    name = inventory_name(release)
    cluster.delete("v1", "ConfigMap", name, namespace, dry_run=dry_run, deadline=deadline, retry_if=retry_if)


def _parsed(stored: Document) -> Inventory:
    data = stored.get("data") or {}
    release = _release_of(stored)
    try:
        entries = [Entry.from_line(line) for line in (data.get("objects") or "").splitlines() if line.strip()]
    except ValueError as error:
        raise ReleaseError(
            f"{ObjectRef.of(stored)}, the inventory of '{release}', has a line that is not understood: {error}. "
            "Correct it, or delete it to have the release found by its labels"
        ) from error
    return Inventory(
        release=release,
        entries=frozenset(entries),
        version=data.get("version") or "",
        applying=data.get("applying") or "",
        former=data.get("former") or "",
        requires=tuple((data.get("requires") or "").split()),
    )


def _release_of(stored: Document) -> str:
    return (stored["metadata"].get("labels") or {}).get(INVENTORY_LABEL) or ""


def _document(inventory: Inventory, namespace: str) -> Document:
    data = {
        "version": inventory.version,
        "objects": "\n".join(entry.to_line() for entry in sorted(inventory.entries)),
    }
    if inventory.applying:
        data["applying"] = inventory.applying
    if inventory.former:
        data["former"] = inventory.former
    if inventory.requires:
        data["requires"] = " ".join(inventory.requires)
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": inventory_name(inventory.release),
            "namespace": namespace,
            "labels": {MANAGED_BY_LABEL: MANAGED_BY, INVENTORY_LABEL: inventory.release},
        },
        "data": data,
    }
