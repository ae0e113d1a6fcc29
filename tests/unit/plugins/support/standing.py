"""Releases as they stand on a cluster, made without the code that applies them: objects, labels and inventories."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import FIELD_MANAGER, Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.inventory import Entry, Inventory
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.ownership import (
    Origin,
    ownership_metadata,
    release_of,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.store import (
    read_inventory,
    write_inventory,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.objects import ObjectRef

Document = dict[str, Any]
NAMESPACE = "kube-system"


def stand(
    cluster: Cluster,
    release: str,
    documents: list[Document],
    *,
    requires: tuple[str, ...] = (),
    data: tuple[str, ...] = (),
    form: str = "new",
) -> Inventory:
    """Apply documents as a release of ours does. `data` names objects that cannot be made again.

    `form` of the inventory: new, old (references alone), or none.
    """
    entries = []
    for document in documents:
        entries.append(_apply(cluster, release, copy.deepcopy(document), data))
    for spec in (document["spec"] for document in documents if document["kind"] == "CustomResourceDefinition"):
        for version in spec["versions"]:
            await_kind(cluster, f"{spec['group']}/{version['name']}", spec["names"]["kind"])
    inventory = Inventory(release, frozenset(entries), "1", requires=requires)
    if form == "new":
        write_inventory(cluster, inventory, NAMESPACE, Deadline(10))
    elif form == "old":
        _write_old(cluster, inventory)
    return inventory


def _apply(cluster: Cluster, release: str, document: Document, data: tuple[str, ...]) -> Entry:
    ref = ObjectRef.of(document)
    if cluster.discovery.find(ref.api_version, ref.kind) is None:
        await_kind(cluster, ref.api_version, ref.kind)
    before = cluster.get(ref.api_version, ref.kind, ref.name, ref.namespace)
    owner = release_of(before)
    origin = Origin.CREATED
    manager = FIELD_MANAGER
    if owner and owner != release:
        origin, manager = Origin.SHARED, f"{FIELD_MANAGER}/{release}"
    else:
        if before is not None and not owner:
            origin = Origin.ADOPTED
        ours = ownership_metadata(release, origin is Origin.ADOPTED)
        for part, values in ours.items():
            document["metadata"][part] = {**(document["metadata"].get(part) or {}), **values}
    live = cluster.apply(document, manager=manager, force=True)
    return Entry(ref, origin, live["metadata"]["uid"], ref.name in data or ref.kind == "PersistentVolumeClaim")


def _write_old(cluster: Cluster, inventory: Inventory) -> None:
    """The form of lines that the former version wrote, and no word of what the release requires."""
    lines = "\n".join(ref.to_line() for ref in sorted(inventory.refs))
    labels = {
        "app.kubernetes.io/managed-by": "selfhosted.serverless",
        "serverless.selfhosted/record": inventory.release,
    }
    metadata = {"name": f"release-{inventory.release}", "namespace": NAMESPACE, "labels": labels}
    data = {"version": "", "objects": lines}
    stored = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    cluster.apply(stored, manager="selfhosted.serverless-record", force=True)


def await_kind(cluster: Cluster, api_version: str, kind: str) -> None:
    """Until discovery lists a kind whose CRD is new."""

    def served() -> bool:
        cluster.discovery.refresh()
        return cluster.discovery.find(api_version, kind) is not None

    until(served)


def until(condition: Callable[[], Any], seconds: float = 20.0) -> None:
    limit = Deadline(seconds)
    while not condition():
        assert not limit.passed, "did not come true in time"
        time.sleep(0.05)


def inventory_of(cluster: Cluster, release: str) -> Inventory | None:
    return read_inventory(cluster, release, NAMESPACE, Deadline(10))


def within(item: Document, namespace: str, **metadata: Any) -> Document:
    """A document in a namespace, with other metadata besides."""
    return {**item, "metadata": {**item["metadata"], "namespace": namespace, **metadata}}


def live(cluster: Cluster, item: Document) -> Document | None:
    """The object of a document as it is now."""
    ref = ObjectRef.of(item)
    return cluster.get(ref.api_version, ref.kind, ref.name, ref.namespace)


def drop_finalizers(cluster: Cluster, item: Document) -> None:
    """As the controller does that the finalizers are of."""
    ref = ObjectRef.of(item)
    path = cluster.resource(ref.api_version, ref.kind).path(ref.namespace, ref.name)
    patch = {"metadata": {"finalizers": None}}
    cluster.transport.call("PATCH", path, body=patch, content_type="application/merge-patch+json")
