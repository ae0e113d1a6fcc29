# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which versions stand on a cluster, by the inventories of our releases and by what their own objects say."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..kube.client.cluster import Cluster
from ..kube.deadline import Deadline
from ..kube.errors import ApiError
from ..kube.inventory.inventory import Inventory
from ..kube.inventory.ownership import RELEASE_LABEL, release_of
from ..kube.objects import Document
from ..versions import Version
from .steps import Standing

VERSION_LABEL = "app.kubernetes.io/version"
# Component by release
RELEASES = {
    "metrics_server": "metrics-server",
    "istio": "istio",
    "knative_serving": "knative-serving",
    "knative_eventing": "knative-eventing",
}
# The workloads that say in a label which version they are. A build of Istio's charts says 1.0.0: its images tell
LABELLED = {
    "knative_serving": ("knative-serving", "controller"),
    "knative_net_istio": ("knative-serving", "net-istio-controller"),
    "knative_eventing": ("knative-eventing", "eventing-controller"),
}
_PILOT = re.compile(r"/pilot:(\d+\.\d+[\w.-]*)(?:@|$)")


def standing_versions(recorded: Iterable[Inventory], workloads: list[Document]) -> dict[str, Standing]:
    """What stands of our releases, by component, of those `recorded` on the cluster, as our workloads tell it.

    Installations of others are none of them. A release that was begun and never became complete constrains nothing
    and is left out.
    """
    inventories = {one.release: one for one in recorded}
    told = {component: inventories[release] for component, release in RELEASES.items() if release in inventories}
    found = {component: _standing(inventory, _seen(component, workloads)) for component, inventory in told.items()}
    serving = found.get("knative_serving")
    if serving and not serving.begun:
        # net-istio is a part of that release, which has one version and goes forth and back as a whole
        for version in _seen("knative_net_istio", workloads):
            found["knative_net_istio"] = Standing(version)
    return {component: there for component, there in found.items() if there.version}


def _standing(inventory: Inventory, seen: list[str]) -> Standing:
    version = inventory.former or inventory.version
    latest = inventory.applying or inventory.version
    begun = "" if latest == version else latest
    known = {_numbers(text) for text in (version, begun) if text}
    return Standing(version, begun, tuple(text for text in seen if _numbers(text) not in known))


def _numbers(text: str) -> tuple[int, int, int] | str:
    """What tells versions apart, whatever variant (-distroless) they are."""
    try:
        version = Version.parse(text)
    except ValueError:
        return text
    return version.major, version.minor, version.patch


def our_workloads(cluster: Cluster, recorded: Iterable[Inventory], deadline: Deadline) -> list[Document]:
    """The Deployments of the components that are `recorded`; nothing is asked where none is. Raises KubeError."""
    if not {one.release for one in recorded} & set(RELEASES.values()):
        return []
    try:
        return cluster.list("apps/v1", "Deployment", label_selector=RELEASE_LABEL, deadline=deadline)
    except ApiError as error:
        if error.status != 403:
            raise
        return []  # the inventories tell enough to who may not look


def _seen(component: str, workloads: list[Document]) -> list[str]:
    """The versions that the component's own workloads say they have, sorted."""
    found = {_version_of(component, item) for item in workloads if release_of(item)}
    return sorted(filter(None, found))


def _version_of(component: str, workload: Document) -> str:
    """What a workload says of a component's version; '' where it is not one of it, or says none."""
    metadata = workload["metadata"]
    labels = metadata.get("labels") or {}
    text = ""
    if component == "istio" and labels.get("app") == "istiod":
        images = [container.get("image") or "" for container in workload["spec"]["template"]["spec"]["containers"]]
        tags = [found[1] for found in map(_PILOT.search, images) if found]
        text = tags[0] if tags else ""
    elif LABELLED.get(component) == (metadata["namespace"], metadata["name"]):
        text = labels.get(VERSION_LABEL, "").removeprefix("v")
    try:
        return Version.parse(text).text
    except ValueError:
        return ""
