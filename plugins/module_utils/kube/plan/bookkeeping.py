# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a run may write what it keeps for itself: the inventory, and the lease by which others know of it."""

from __future__ import annotations

from collections.abc import Callable

from ..client.cluster import Cluster
from ..deadline import Deadline
from ..errors import ApiError
from ..inventory.inventory import Inventory
from ..inventory.run_lock import NAME, RunLock
from ..inventory.store import delete_inventory, inventory_name, write_inventory
from ..objects import ObjectRef
from .plan import Blocker
from .refusals import reason_of, remedy_of

# A webhook that is away, or another run that writes at the same moment, says nothing about the run itself.
REFUSALS = frozenset({400, 403, 404, 413, 422})


def inventory_blockers(
    cluster: Cluster, release: str, after: Inventory | None, namespace: str, deadline: Deadline
) -> list[Blocker]:
    """What forbids to store the inventory `after` of a release, or with None to delete it. Raises ClusterError."""
    inventory = ObjectRef("v1", "ConfigMap", namespace, inventory_name(release))

    def store() -> None:
        if after is None:
            delete_inventory(cluster, release, namespace, deadline, dry_run=True)
        else:
            write_inventory(cluster, after, namespace, deadline, dry_run=True)

    return _refused(inventory, store)


def lock_blockers(lock: RunLock | None, deadline: Deadline) -> list[Blocker]:
    """What forbids to take the lock, which a run takes once however many releases it is about. Raises ClusterError."""
    if lock is None:
        return []
    lease = ObjectRef("coordination.k8s.io/v1", "Lease", lock.namespace, NAME)
    return _refused(lease, lambda: lock.rehearse(deadline))


def _refused(ref: ObjectRef, attempt: Callable[[], None]) -> list[Blocker]:
    try:
        attempt()
    except ApiError as error:
        if error.status in REFUSALS and not error.is_dry_run_unsupported:
            return [Blocker(str(ref), reason_of(error), remedy_of(error))]
    return []
