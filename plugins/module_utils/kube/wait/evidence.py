# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a diagnosis needs from the cluster, each list once a look, all within a few seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ..client.cluster import Cluster
from ..deadline import Deadline
from ..errors import ApiError, KubeError
from ..objects import Document
from .claims import Storage
from .events import Event, by_uid

LOOK_SECONDS = 5.0  # for one look at everything; the wait itself must go on
FORBIDDEN = (401, 403)
Answer = TypeVar("Answer")


class Evidence:
    """One look. Lists are read when first asked for. Methods raise KubeError when the server does not answer."""

    def __init__(self, cluster: Cluster, seconds: float = LOOK_SECONDS) -> None:
        self.cluster = cluster
        self.deadline = Deadline(seconds)
        self._read: dict[tuple[Any, ...], Any] = {}

    def get(self, api_version: str, kind: str, name: str, namespace: str | None) -> Document | None:
        found = self._once(
            lambda: self.cluster.get(api_version, kind, name, namespace, self.deadline),
            *("get", api_version, kind, namespace, name),
        )
        return {"apiVersion": api_version, "kind": kind, **found} if isinstance(found, dict) else None

    def list(self, api_version: str, kind: str, namespace: str | None, selector: str | None = None) -> list[Document]:
        return self._once(
            lambda: self.cluster.list(api_version, kind, namespace, selector, self.deadline),
            *("list", api_version, kind, namespace, selector),
        )

    def events(self, namespace: str, uid: str) -> list[Event]:
        """The warnings about one object, the newest first."""
        return self._events(namespace, "type!=Normal").get(uid, [])

    def events_of_all_types(self, namespace: str, uid: str) -> list[Event]:
        """Also the normal ones, such as an autoscaler's or a provisioner's; asks for this object's alone."""
        return self._events(namespace, f"involvedObject.uid={uid}").get(uid, [])

    def nodes(self) -> list[Document] | None:
        """None where the user may not read them."""
        return self._unless_forbidden("v1", "Node")

    def storage(self) -> Storage:
        return Storage(
            self._unless_forbidden("storage.k8s.io/v1", "StorageClass"),
            self._unless_forbidden("v1", "PersistentVolume"),
        )

    def is_leaving(self, namespace: str) -> bool:
        """Whether pods are on their way out, as in a rolling update on a full node."""
        return any(pod["metadata"].get("deletionTimestamp") for pod in self.list("v1", "Pod", namespace))

    def _events(self, namespace: str, chosen: str) -> dict[str, list[Event]]:
        path = f"/api/v1/namespaces/{namespace}/events"

        def read() -> dict[str, list[Event]]:
            try:
                answer = self.cluster.transport.call(
                    "GET", path, query={"fieldSelector": chosen}, deadline=self.deadline
                )
            except ApiError as error:
                if error.status not in FORBIDDEN:
                    raise
                return {}  # what the objects themselves say is enough to go on
            items = answer.get("items") if isinstance(answer, dict) else None
            return by_uid([item for item in items or [] if isinstance(item, dict)])

        return self._once(read, "events", namespace, chosen)

    def _unless_forbidden(self, api_version: str, kind: str) -> list[Document] | None:
        try:
            return self.list(api_version, kind, None)
        except ApiError as error:
            if error.status not in FORBIDDEN:
                raise
            return None

    def _once(self, read: Callable[[], Answer], *key: Any) -> Answer:
        if key not in self._read:
            if self.deadline.passed:
                raise KubeError("the look at the cluster took too long")
            self._read[key] = read()
        return self._read[key]
