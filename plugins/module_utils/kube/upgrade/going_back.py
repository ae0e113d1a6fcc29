# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts releases back to what they had before an upgrade that is not complete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ...durations import elapsed
from ..apply.present import apply_release
from ..client.cluster import FIELD_MANAGER, Cluster
from ..deadline import Deadline
from ..errors import KubeError, ReleaseError
from ..inventory.former import Former, delete_former, owned_document, read_former
from ..inventory.inventory import Inventory
from ..inventory.managed_fields import owned_fields
from ..inventory.run_lock import RunLock
from ..inventory.store import read_inventories, write_inventory
from ..objects import Document, ObjectRef
from ..plan.present.options import PresentOptions
from ..plan.present.stored_versions import DEFINITION, dropped
from ..wait.targets import Target
from ..wait.waiting import wait_for

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Way:
    """A release with an upgrade that is not complete, and what it can go back to; None where nothing was kept."""

    inventory: Inventory
    former: Former | None

    @property
    def release(self) -> str:
        return self.inventory.release

    @property
    def reached(self) -> str:
        """The version that the upgrade was to."""
        return self.inventory.applying or self.inventory.version

    def __str__(self) -> str:
        return f"{self.release} from {self.reached} to {self.inventory.before}"


def ways_back(cluster: Cluster, releases: Sequence[str], record_namespace: str, deadline: Deadline) -> list[Way]:
    """The releases among these with an upgrade that is not complete, the last one first. Raises KubeError."""
    inventories = {one.release: one for one in read_inventories(cluster, record_namespace, deadline)}
    upgrading = [inventories[name] for name in releases if name in inventories and inventories[name].before]
    ways = [Way(one, _kept(cluster, one, record_namespace, deadline)) for one in upgrading]
    return ways[::-1]


def go_back(
    cluster: Cluster,
    ways: Sequence[Way],
    role: str,
    record_namespace: str,
    seconds: float,
    tell: Tell,
    lock: RunLock | None = None,
) -> list[str]:
    """Apply what stood before, release by release, and wait until it is ready; what could not go back, in words.

    Raises KubeError.
    """
    stays: list[str] = []
    targets: list[Target] = []
    for way in ways:
        if way.former is None:
            raise ReleaseError(f"release '{way.release}' has kept nothing that it could go back to")
        tell(f"going back: {way}")
        documents, told = _possible(cluster, way.former.documents, Deadline(seconds))
        stays += told
        options = PresentOptions(
            release=way.release,
            record_namespace=record_namespace,
            version=way.former.version,
            requires=way.inventory.requires,
            role=role,
        )
        outcome = apply_release(cluster, documents, options, Deadline(seconds), tell, lock)
        targets += [Target.from_item(item) for item in outcome.wait]
    wait_for(cluster, list(dict.fromkeys(targets)), Deadline(seconds), tell)
    return stays


def back_or_raise(
    cluster: Cluster,
    error: KubeError,
    ways: Sequence[Way],
    role: str,
    record_namespace: str,
    seconds: float,
    tell: Tell,
    lock: RunLock | None = None,
) -> ReleaseError:
    """Go back after `error`; the failure that says so, for the caller to raise."""
    named = ", ".join(map(str, ways))
    watch = Deadline(0)
    try:
        stays = go_back(cluster, ways, role, record_namespace, seconds, tell, lock)
    except KubeError as second:
        return ReleaseError(
            f"{error}\nThe upgrade was to be taken back ({named}), and that failed as well: {second}\n"
            "The next run goes on from here; with serverless_release as it was before, it goes back"
        )
    kept = f" What stays as it is: {'; '.join(stays)}." if stays else ""
    return ReleaseError(
        f"{error}\nThe upgrade was taken back ({named}), and what stood before is ready again after "
        f"{elapsed(watch.elapsed)}.{kept}"
    )


def complete(cluster: Cluster, way: Way, record_namespace: str, deadline: Deadline) -> None:
    """The upgrade is complete: there is no way back any more."""
    write_inventory(cluster, replace(way.inventory, former=""), record_namespace, deadline)
    delete_former(cluster, way.release, record_namespace, deadline)


def _kept(cluster: Cluster, inventory: Inventory, record_namespace: str, deadline: Deadline) -> Former | None:
    former = read_former(cluster, inventory.release, record_namespace, deadline)
    return former if former and former.version == inventory.before else None


def _possible(cluster: Cluster, documents: list[Document], deadline: Deadline) -> tuple[list[Document], list[str]]:
    """The documents as far as they can be put back, and what stays as it is now, in words."""
    found, told = [], []
    for document in documents:
        ref = ObjectRef.of(document)
        if ref.kind not in (DEFINITION, "Secret"):
            found.append(document)
            continue
        live = cluster.get(ref.api_version, ref.kind, ref.name, ref.namespace, deadline)
        if live is not None and ref.kind == "Secret":
            data = owned_fields(live, FIELD_MANAGER).get("data")
            document = {**document, "data": data} if data else document
        elif live is not None and dropped(live, document):
            told.append(f"{ref}, in which objects are stored as {', '.join(dropped(live, document))} by now")
            document = owned_document(live)
        found.append(document)
    return found, told
