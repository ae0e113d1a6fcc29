# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One view of the cluster for what is waited for: informers, shared where targets are of one kind and place."""

from __future__ import annotations

from ..client.cluster import Cluster
from ..client.watch import Informer
from ..deadline import Deadline
from ..objects import Document
from .targets import ENDPOINTS, Target
from .webhooks import SERVICE_LABEL


def informers_for(cluster: Cluster, targets: list[Target], deadline: Deadline) -> dict[Target, Informer]:
    """One informer per kind and place; a lone target is watched by its own name."""
    shared: dict[tuple[str, str, str | None, str], list[Target]] = {}
    informers: dict[Target, Informer] = {}
    for target in targets:
        if target.condition == ENDPOINTS:
            chosen = {"labelSelector": f"{SERVICE_LABEL}={target.name}"}
            place = ("discovery.k8s.io/v1", "EndpointSlice", target.namespace)
            informers[target] = Informer(cluster, *place, chosen, deadline)
        else:
            key = (target.api_version, target.kind, target.namespace, target.label_selector or "")
            shared.setdefault(key, []).append(target)
    for (api_version, kind, namespace, selector), members in shared.items():
        chosen = {"labelSelector": selector} if selector else {}
        if len(members) == 1 and members[0].name:
            chosen = {"fieldSelector": f"metadata.name={members[0].name}"}
        informer = Informer(cluster, api_version, kind, namespace, chosen, deadline)
        informers.update(dict.fromkeys(members, informer))
    return informers


def objects_of(target: Target, informer: Informer) -> list[Document]:
    """The objects that are meant by a target, among those of its informer."""
    found = list((informer.objects or {}).values())
    if target.label_selector or target.condition == ENDPOINTS:
        return found  # the informer holds nothing else
    return [item for item in found if item["metadata"]["name"] == target.name]
