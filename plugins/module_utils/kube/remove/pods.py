# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods of what goes: they may get less time to end than they ask for, where nothing is left to end.

The kubelet keeps to the time with which a pod is deleted first; a shorter one afterwards changes nothing any more
(SyncTerminatingPod in its pkg/kubelet/kubelet.go, kubernetes/kubernetes issue 113606). So nobody may delete the pods
before us, and nobody may make others in their place: deployments and their replica sets leave first, without them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..client.cluster import Cluster
from ..deadline import Deadline
from ..errors import ApiError
from ..inventory.owners import Going, is_owned_by, owner_references
from ..inventory.ownership import is_terminating, ownership_labels, uid_of
from ..objects import Document, ObjectRef
from ..parallel import for_each
from ..plan.plan import Action, Step


@dataclass(frozen=True)
class Dismantled:
    """Deployments that go with the replica sets that they own, and the pods of these: each to be deleted by itself."""

    deployments: list[Step]
    replica_sets: list[Step]
    pods: list[Step]

    @property
    def parts(self) -> list[Step]:
        """What the release has not had in its inventory so far."""
        return self.replica_sets + self.pods


def dismantle(cluster: Cluster, release: str, steps: Iterable[Step], deadline: Deadline) -> Dismantled | None:
    """The deployments among `steps`, with their parts labelled as ours; a removal after this one finds them by that.

    None where there is none, or where the cluster does not let us.
    """
    deployments = [step for step in steps if step.ref.kind == "Deployment" and step.action is Action.DELETE]
    try:
        sets = _replica_sets(cluster, deployments, deadline)
        found = Dismantled(deployments, sets, pods_of(cluster, sets, deadline))
        for step in [*found.replica_sets[:1], *found.pods[:1]]:
            ref = step.ref
            cluster.delete(ref.api_version, ref.kind, ref.name, ref.namespace, dry_run=True, deadline=deadline)
    except ApiError as error:
        if error.status != 403:
            raise
        return None
    return found if deployments and _take_over(cluster, release, found.parts, deadline) else None


def pods_of(cluster: Cluster, replica_sets: Iterable[Step], deadline: Deadline) -> list[Step]:
    """The pods of replica sets, by their labels: these hold the hash of the template, and so tell whose a pod is."""
    selectors = [(step.ref.namespace, _selector(step.live)) for step in replica_sets if step.live]
    found = [
        pod
        for namespace in sorted({namespace for namespace, _selector in selectors})
        for pod in cluster.list("v1", "Pod", namespace, deadline=deadline)
        if not is_terminating(pod) and any(_is_selected(pod, *selector) for selector in selectors)
    ]
    return _steps(found)


def pods_below(cluster: Cluster, steps: Iterable[Step], deadline: Deadline) -> list[Step] | None:
    """The pods that go with objects that are deleted, as steps to wait for; None where they may not be listed."""
    tops = [step.live for step in steps if step.action is Action.DELETE and step.live]
    going = Going(cluster, tops, deadline)
    found: list[Document] = []
    try:
        for namespace in sorted({live["metadata"].get("namespace") or "" for live in tops} - {""}):
            for kind in ("ReplicaSet", "Deployment"):
                going.learn(cluster.list("apps/v1", kind, namespace, deadline=deadline))
            pods = cluster.list("v1", "Pod", namespace, deadline=deadline)
            found += [pod for pod in pods if owner_references(pod) and going.includes(pod)]
    except ApiError as error:
        if error.status != 403:
            raise
        return None
    return [Step(Action.WAIT_GONE, ObjectRef.of(pod), "its owner goes", live=pod) for pod in found]


def _replica_sets(cluster: Cluster, deployments: list[Step], deadline: Deadline) -> list[Step]:
    uids = {uid_of(step.live) for step in deployments}
    found = [
        item
        for namespace in sorted({step.ref.namespace for step in deployments})
        for item in cluster.list("apps/v1", "ReplicaSet", namespace, deadline=deadline)
        if is_owned_by(item, uids)
    ]
    return _steps(found)


def _take_over(cluster: Cluster, release: str, parts: Iterable[Step], deadline: Deadline) -> bool:
    """Label them as ours; False where one of them is refused."""

    def label(step: Step) -> None:
        ref = step.ref
        place = {"name": ref.name, "namespace": ref.namespace, "uid": uid_of(step.live)}
        metadata = {**place, "labels": ownership_labels(release)}
        document = {"apiVersion": ref.api_version, "kind": ref.kind, "metadata": metadata}
        cluster.apply(document, force=True, deadline=deadline)

    errors = for_each(label, parts)[1]
    for error in errors:
        if not isinstance(error, ApiError) or error.status not in (403, 404, 409, 422):
            raise error
    return not errors


def _steps(items: Iterable[Document]) -> list[Step]:
    return [Step(Action.DELETE, ObjectRef.of(item), "its deployment goes", live=item) for item in items]


def _selector(replica_set: Document) -> dict[str, str]:
    return replica_set["spec"]["selector"].get("matchLabels") or {}


def _is_selected(pod: Document, namespace: str, labels: dict[str, str]) -> bool:
    metadata = pod["metadata"]
    has = (metadata.get("labels") or {}).items()
    return bool(labels) and metadata["namespace"] == namespace and labels.items() <= has
