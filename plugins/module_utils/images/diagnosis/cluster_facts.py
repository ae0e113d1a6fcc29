# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts for diagnosis.py out of what the API server and the kubelets tell, and out of rendered manifests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..errors import InvalidReference, PolicyError
from ..policy.policy import ImagePolicy
from ..reference.pods import images_of_pod, pod_name
from ..reference.reference import Reference
from .facts import THRESHOLD, Container, Disk, TagResolution

Document = Mapping[str, Any]
# An estimate: a runtime keeps the compressed layers, and unpacks them to about twice their size.
UNPACKED = 3


def disk_of(node: Document, summary: Document, kubelet: Document, rows: Iterable[Document]) -> Disk | None:
    """Return the file system of a node's images, None where the kubelet does not tell it.

    `summary` is its stats/summary, `kubelet` its configz, `rows` are those of the plan that the node is to have.
    """
    system = ((summary.get("node") or {}).get("runtime") or {}).get("imageFs") or {}
    if "capacityBytes" not in system or "availableBytes" not in system:
        return None
    there = {name for image in node["status"].get("images") or [] for name in image.get("names") or []}
    percent = (kubelet.get("kubeletconfig") or {}).get("imageGCHighThresholdPercent")
    return Disk(
        node["metadata"]["name"],
        int(system["capacityBytes"]),
        int(system["availableBytes"]),
        UNPACKED * sum(int(row["size"]) for row in rows if row["delivered"] not in there),
        THRESHOLD if percent is None else percent / 100,
        has_disk_pressure(node),
    )


def has_disk_pressure(node: Document) -> bool | None:
    """Return the condition DiskPressure of a Node, None where it is not known."""
    conditions = {item["type"]: item["status"] for item in node["status"].get("conditions") or []}
    return {"True": True, "False": False}.get(conditions.get("DiskPressure", ""))


def containers_of(documents: Iterable[Document], policy: ImagePolicy) -> tuple[Container, ...]:
    """Return the containers in manifests, each with the name of its image after the exact map."""
    return tuple(
        Container(_owner(document), str(item.get("name")), image, str(item.get("imagePullPolicy") or ""))
        for document in documents
        for item in _containers(document)
        if (image := _mapped(item.get("image"), policy))
    )


def short_of(documents: Iterable[Document], policy: ImagePolicy) -> tuple[str, ...]:
    """Return the names in manifests that say no registry, as they are delivered."""
    names = {_delivered_text(item.get("image"), policy) for document in documents for item in _containers(document)}
    return tuple(sorted(name for name in names if name and not _names_registry(name)))


def tags_of(documents: Iterable[Document], policy: ImagePolicy) -> TagResolution | None:
    """Return what Knative resolves of the services in manifests; None without services, or without its settings."""
    documents = list(documents)
    services = [item for item in documents if str(item.get("apiVersion")).startswith("serving.knative.dev/")]
    settings = [item for item in documents if _owner(item) == "ConfigMap knative-serving/config-deployment"]
    if not services or not settings:
        return None
    images = tuple(_delivered(item["image"], policy) for service in services for item in _containers(service))
    skipping = (settings[-1].get("data") or {}).get("registries-skipping-tag-resolving")
    return TagResolution(images, skipping)


def pods_refused(pods: Iterable[Document], policy: ImagePolicy) -> dict[str, tuple[str, ...]]:
    """Return the names of pods by each registry that they use and that a strict policy does not name."""
    found: dict[str, list[str]] = {}
    for pod in pods:
        for image in images_of_pod(pod):
            reference = Reference.parse(image)
            try:
                policy.candidates(reference)
            except PolicyError:
                found.setdefault(reference.registry, []).append(pod_name(pod))
    return {registry: tuple(names) for registry, names in found.items()}


def _containers(node: Any) -> Iterator[Document]:
    if isinstance(node, list):
        for item in node:
            yield from _containers(item)
    elif isinstance(node, Mapping):
        for key, value in node.items():
            if key in ("containers", "initContainers") and isinstance(value, list):
                yield from (item for item in value if isinstance(item, Mapping) and item.get("image"))
            else:
                yield from _containers(value)


def _owner(document: Document) -> str:
    metadata = document.get("metadata") or {}
    return f"{document.get('kind')} {'/'.join(filter(None, [metadata.get('namespace'), metadata.get('name')]))}"


def _mapped(image: Any, policy: ImagePolicy) -> str:
    """Return the image's name after the exact map; '' for a placeholder."""
    try:
        return str(policy.mapped(Reference.parse(image)))
    except InvalidReference:
        return ""


def _delivered_text(image: Any, policy: ImagePolicy) -> str:
    """Return what stands in a manifest for an image; '' for a placeholder, and for what is rewritten to a mirror."""
    try:
        return policy.deliverable(str(image))
    except (InvalidReference, PolicyError):
        return ""


def _names_registry(name: str) -> bool:
    first, slash, _rest = name.partition("/")
    return bool(slash) and ("." in first or ":" in first or first == "localhost")


def _delivered(image: str, policy: ImagePolicy) -> str:
    try:
        return policy.deliverable(image)
    except PolicyError:  # undecided: any of its mirrors has the same version
        return str(policy.candidates(Reference.parse(image))[0].reference)
