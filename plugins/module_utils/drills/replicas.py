# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pods of some services over time, from watches: nothing is polled, and no change between two looks is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ..kube.client.cluster import Cluster
from ..kube.client.watch import Informer
from ..kube.deadline import Deadline
from ..kube.objects import Document
from .timeline import Steps


@dataclass(frozen=True)
class Pods:
    """How many pods are ready, how many there are besides those that are going away, and how many are going away."""

    ready: int
    present: int
    leaving: int

    @classmethod
    def of(cls, pods: list[Document]) -> Pods:
        """Count live pods."""
        present = staying(pods)
        return cls(sum(map(is_ready, present)), len(present), len(pods) - len(present))

    def __str__(self) -> str:
        text = f"{self.ready} of {self.present} pods ready"
        return f"{text}, {self.leaving} leaving" if self.leaving else text


def staying(pods: list[Document]) -> list[Document]:
    """The pods that are not going away."""
    return [pod for pod in pods if not pod["metadata"].get("deletionTimestamp")]


def is_ready(pod: Document) -> bool:
    """Whether a pod's condition Ready is True."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(entry.get("type") == "Ready" and entry.get("status") == "True" for entry in conditions)


class ReplicaWatch:
    """Follows the pods of `selectors` (series name: label selector) until `stop`. `now` is the drill's clock.

    `ready` and `present` are the counts over time, `been_ready` the names of pods that have been ready at some time.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        selectors: dict[str, str],
        now: Callable[[], float],
        deadline: Deadline,
    ) -> None:
        self._now = now
        self.ready = {name: Steps(f"{name} ready") for name in selectors}
        self.present = {name: Steps(f"{name} present") for name in selectors}
        self.been_ready: set[str] = set()
        self._informers = {
            name: Informer(cluster, "v1", "Pod", namespace, {"labelSelector": selector}, deadline)
            for name, selector in selectors.items()
        }

    def start(self) -> ReplicaWatch:
        """Raises KubeError when the pods cannot be listed."""
        for name, informer in self._informers.items():
            informer.list()
            self._note(name)
            informer.start(lambda name=name: self._note(name))  # type: ignore[misc]
        return self

    def stop(self) -> None:
        for informer in self._informers.values():
            informer.stop()

    def pods(self, name: str) -> list[Document]:
        """The live pods of one series, those going away included."""
        return list((self._informers[name].objects or {}).values())

    def counts(self, name: str) -> Pods:
        return Pods.of(self.pods(name))

    def __enter__(self) -> ReplicaWatch:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def _note(self, name: str) -> None:
        counts, seconds = self.counts(name), self._now()
        self.ready[name].add(seconds, counts.ready)
        self.present[name].add(seconds, counts.present)
        self.been_ready.update(pod["metadata"]["name"] for pod in self.pods(name) if is_ready(pod))
