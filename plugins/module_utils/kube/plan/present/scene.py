# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plan of a release needs to know of the cluster, read once: inventories, namespaces, objects, autoscalers."""

from __future__ import annotations

from ...client.cluster import Cluster
from ...deadline import Deadline
from ...desired.sent_fields import autoscaler_targets
from ...desired.stages import is_custom
from ...errors import ApiError, ReleaseError
from ...inventory.inventory import Inventory
from ...inventory.owners import owner_references
from ...inventory.ownership import is_terminating, ownership_labels, uid_of
from ...inventory.store import read_inventories
from ...objects import Document, ObjectRef
from ...parallel import for_each

Identity = tuple[str, str, str, str]
DEFINITION = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")


class Scene:
    """The cluster as one release finds it. Thread-safe once it is read.

    `inventory` is the release's own, None in a first run; `others` are those of all other releases. `ending` are the
    names of the CRDs that are being deleted. `leaving_uids` are the objects that the release no longer wants, and
    `autoscaled` what has its replicas from an autoscaler, as (kind, namespace, name); both are set by the planner.
    """

    def __init__(self, cluster: Cluster, release: str, record_namespace: str, deadline: Deadline) -> None:
        self.cluster = cluster
        self.release = release
        self.deadline = deadline
        cluster.discovery.ensure(deadline)
        inventories = read_inventories(cluster, record_namespace, deadline)
        self.inventory: Inventory | None = next((one for one in inventories if one.release == release), None)
        self.others = [one for one in inventories if one.release != release]
        self.namespaces: dict[str, Document] = {}
        self.ending: frozenset[str] = frozenset()
        self.leaving_uids: frozenset[str] = frozenset()
        self.autoscaled: set[tuple[str, str, str]] = set()
        self._known: dict[Identity, Document] = {}

    def read(self, documents: list[Document]) -> None:
        """Read the namespaces, and on a later run what carries our label: one LIST per kind. Raises ReleaseError."""
        self.namespaces = {item["metadata"]["name"]: item for item in self.objects("v1", "Namespace")}
        if any(is_custom(document["apiVersion"]) for document in documents):
            self.ending = self._ending_definitions()
        if self.inventory is not None:
            kinds = sorted(
                {(document["apiVersion"], document["kind"]) for document in documents} - {("v1", "Namespace")}
            )
            listed, errors = for_each(self._list_own, kinds)
            if errors:
                raise ReleaseError.of(f"release '{self.release}', reading what is there", errors)
            self._known = {ObjectRef.of(item).identity: item for items in listed for item in items}

    def live(self, ref: ObjectRef) -> Document | None:
        """The object as it is, None when it is not there. Raises KubeError."""
        if ref.kind == "Namespace":
            return self.namespaces.get(ref.name)
        if ref.namespace and ref.namespace not in self.namespaces:
            return None
        known = self._known.get(ref.identity)
        return known or self.cluster.get(ref.api_version, ref.kind, ref.name, ref.namespace, self.deadline)

    def ends_with(self, ref: ObjectRef) -> ObjectRef | None:
        """What is being deleted and takes the object along, or keeps it from being made: its namespace, or its CRD."""
        home = self.namespaces.get(ref.namespace)
        if ref.namespace and is_terminating(home):
            return ObjectRef("v1", "Namespace", "", ref.namespace)
        resource = self.cluster.discovery.find(ref.api_version, ref.kind) if self.ending else None
        name = f"{resource.plural}.{ref.group}" if resource else ""
        return ObjectRef(*DEFINITION, "", name) if name in self.ending else None

    def read_autoscalers(self, documents: list[Document]) -> None:
        """Tell what has its replicas from an autoscaler that does not leave: of the documents, or of anybody."""
        autoscalers = [document for document in documents if document["kind"] == "HorizontalPodAutoscaler"]
        if any("replicas" in (document.get("spec") or {}) for document in documents):
            there = self.objects("autoscaling/v2", "HorizontalPodAutoscaler")
            autoscalers += [item for item in there if uid_of(item) not in self.leaving_uids]
        self.autoscaled = autoscaler_targets(autoscalers)

    def objects(self, api_version: str, kind: str) -> list[Document]:
        """All objects of a kind. Raises KubeError."""
        return self.cluster.list(api_version, kind, deadline=self.deadline)

    def goes_with_what_leaves(self, live: Document) -> bool:
        """Whether an object has an owner, at whatever distance, that leaves the release in this run."""
        seen: set[str] = set()
        while True:
            owner = next((one for one in owner_references(live) if one.get("controller")), None)
            if owner is None or owner["uid"] in seen:
                return False
            if owner["uid"] in self.leaving_uids:
                return True
            seen.add(owner["uid"])
            namespace = live["metadata"].get("namespace")
            above = self.cluster.get(owner["apiVersion"], owner["kind"], owner["name"], namespace, self.deadline)
            if above is None:
                return False
            live = above

    def _ending_definitions(self) -> frozenset[str]:
        try:
            items = self.cluster.list(*DEFINITION, deadline=self.deadline, metadata_only=True)
        except ApiError as error:
            if error.status != 403:
                raise
            return frozenset()  # who may not read CRDs can do without: the server refuses what it must
        return frozenset(item["metadata"]["name"] for item in items if is_terminating(item))

    def _list_own(self, kind: tuple[str, str]) -> list[Document]:
        if self.cluster.discovery.find(*kind) is None:
            return []
        labels = ownership_labels(self.release)
        selector = ",".join(f"{key}={value}" for key, value in labels.items())
        return self.cluster.list(*kind, label_selector=selector, deadline=self.deadline)
