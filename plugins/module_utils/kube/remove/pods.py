# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods of workloads that go: they may get less time to end than they ask for, where nothing is left to end."""

from __future__ import annotations

from collections.abc import Iterable

from ..client.cluster import Cluster
from ..deadline import Deadline
from ..desired.stages import WORKLOAD_KINDS
from ..errors import ApiError
from ..inventory.owners import owner_references
from ..inventory.ownership import is_terminating, uid_of
from ..objects import Document
from ..plan.plan import Step


class Hastening:
    """Gives the pods of workloads `seconds` from the moment that they are being deleted.

    Only what is being deleted already is touched. A cluster that does not allow it lets the pods take their time.
    """

    def __init__(self, cluster: Cluster, workloads: Iterable[Step], seconds: int, deadline: Deadline) -> None:
        self.cluster, self.seconds, self.deadline = cluster, seconds, deadline
        self._told: set[str] = set()
        steps = [step for step in workloads if step.ref.kind in WORKLOAD_KINDS and step.ref.namespace]
        found = [step.live for step in steps if step.live]
        self._makers = {uid_of(live) for live in found}
        self._namespaces = sorted({live["metadata"]["namespace"] for live in found})
        for namespace in self._namespaces:  # while the deployments are there, whose pods these own
            sets = cluster.list("apps/v1", "ReplicaSet", namespace, deadline=deadline)
            self._makers |= {uid_of(item) for item in sets if self._owns(item)}

    def look(self) -> None:
        """Shorten the time of the pods that are being deleted by now, each once."""
        for namespace in self._namespaces:
            for pod in self.cluster.list("v1", "Pod", namespace, deadline=self.deadline):
                if self._is_slow(pod):
                    self._told.add(uid_of(pod))
                    end_pod(self.cluster, pod, self.seconds, self.deadline)

    def _is_slow(self, pod: Document) -> bool:
        left = pod["metadata"].get("deletionGracePeriodSeconds") or 0
        return is_terminating(pod) and left > self.seconds and uid_of(pod) not in self._told and self._owns(pod)

    def _owns(self, item: Document) -> bool:
        return any(reference.get("uid") in self._makers for reference in owner_references(item))


def end_pod(cluster: Cluster, pod: Document, seconds: int, deadline: Deadline) -> None:
    """Give a pod so many seconds to end, 0 to let go of it at once; where that is not allowed it takes its time."""
    metadata = pod["metadata"]
    try:
        cluster.delete(
            "v1", "Pod", metadata["name"], metadata["namespace"],
            uid=uid_of(pod), grace_seconds=seconds, deadline=deadline,
        )  # fmt: skip
    except ApiError as error:
        if error.status not in (403, 409):
            raise
