# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a PersistentVolumeClaim is not bound. Pure functions.

Source: the volume controller (pkg/controller/volume/persistentvolume) and the scheduler's volumebinding plugin.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ..objects import Document
from .causes import Finding
from .events import Event, newest

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
SELECTED_NODE = "volume.kubernetes.io/selected-node"
NO_PROVISIONER = "kubernetes.io/no-provisioner"


@dataclass(frozen=True)
class Storage:
    """The storage classes and volumes of the cluster; None where they may not be read."""

    classes: list[Document] | None = None
    volumes: list[Document] | None = None
    of_name: dict[str, Document] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "of_name", {item["metadata"]["name"]: item for item in self.classes or []})

    @property
    def has_default(self) -> bool:
        return any(
            (item["metadata"].get("annotations") or {}).get(DEFAULT_CLASS) == "true" for item in self.classes or []
        )

    def has_volumes_of(self, name: str) -> bool:
        """Whether somebody has made volumes of a class by hand."""
        return any((item.get("spec") or {}).get("storageClassName") == name for item in self.volumes or [])


def claim_names(pod: Document) -> list[str]:
    """The claims that a pod mounts, those of ephemeral volumes included."""
    names = []
    for volume in (pod.get("spec") or {}).get("volumes") or []:
        if volume.get("persistentVolumeClaim"):
            names.append(volume["persistentVolumeClaim"].get("claimName", ""))
        elif volume.get("ephemeral"):
            names.append(f"{pod['metadata']['name']}-{volume['name']}")
    return names


def unbound(claim: Document, storage: Storage, events: list[Event]) -> Finding | None:
    """Why a claim is not bound; None when it is, or is going away."""
    metadata, spec = claim["metadata"], claim.get("spec") or {}
    if (claim.get("status") or {}).get("phase") == "Bound" or metadata.get("deletionTimestamp"):
        return None
    cause, why = _cause(spec, metadata, storage, events)
    return Finding(cause, f"claim {metadata.get('namespace', '')}/{metadata['name']}", why)


def _cause(spec: Document, metadata: Document, storage: Storage, events: list[Event]) -> tuple[str, str]:
    name = spec.get("storageClassName")
    if spec.get("volumeName"):
        return "claim-without-volume", f"it waits for the volume {spec['volumeName']}"
    if name is None:
        if storage.classes is None or storage.has_default:  # the controller will fill it in
            return "claim-in-provision", "it has not got the default storage class yet"
        return "no-storage-class", "it names no storage class, and the cluster has no default one"
    if name == "":
        return "claim-without-volume", "it takes only a volume that was made by hand, and none fits"
    if storage.classes is not None and name not in storage.of_name:
        if storage.has_volumes_of(name):
            return "claim-without-volume", f"no volume of class {name} fits"
        return "storage-class-missing", f"there is no storage class {name}"
    return _provisioned(name, metadata, storage.of_name.get(name), events)


def _provisioned(name: str, metadata: Document, of_class: Document | None, events: list[Event]) -> tuple[str, str]:
    word = newest(
        events, "ProvisioningFailed", "ExternalProvisioning", "Provisioning", "WaitForFirstConsumer", "FailedBinding"
    )
    said = f": {word.message}" if word else ""
    provisioner = (of_class or {}).get("provisioner", "its provisioner")
    if provisioner == NO_PROVISIONER:
        return "claim-without-volume", f"class {name} has no provisioner, and no volume of it fits"
    if word and word.reason == "ProvisioningFailed":
        return "provision-failed", f"{provisioner} could not make the volume{said}"
    if word and word.reason == "WaitForFirstConsumer" and not _node_chosen(metadata):
        return "claim-in-provision", "it waits for a pod that mounts it to get a node"
    return "claim-in-provision", f"{provisioner} is making the volume{said}"


def _node_chosen(metadata: Document) -> bool:
    return SELECTED_NODE in (metadata.get("annotations") or {})
