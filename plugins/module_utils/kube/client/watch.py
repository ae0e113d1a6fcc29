# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A live view of some objects: LIST, then WATCH from there, listed anew when the watch ends or is too old."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from ..deadline import Deadline
from ..errors import ApiError, ClusterError, KubeError
from ..objects import Document
from .cluster import Cluster

WATCH_SECONDS = 30  # then listed anew, which also mends whatever a watch may have missed
PAUSE = 1.0  # seconds before trying again when the kind is not served or the server does not answer


class Feed:
    """Objects of one kind in one place. `objects` is None until the first listing; `served` tells whether the kind is.

    `notify` is called, from the feed's thread, after every change.
    """

    def __init__(
        self,
        cluster: Cluster,
        api_version: str,
        kind: str,
        namespace: str | None,
        selectors: dict[str, str],
        deadline: Deadline,
    ) -> None:
        self.cluster = cluster
        self.api_version, self.kind, self.namespace = api_version, kind, namespace
        self.selectors = selectors
        self.deadline = deadline
        self.objects: dict[str, Document] | None = None
        self.served = True
        self.error: KubeError | None = None
        self._version = ""
        self._stop = threading.Event()
        self._response: Any = None

    def list(self) -> None:
        """Read the current state once. Raises KubeError."""
        resource = self.cluster.discovery.find(self.api_version, self.kind)
        if resource is None:
            self.served, self.objects = False, {}
            return
        self.served = True
        path = resource.path(self.namespace)
        answer = self.cluster.transport.call("GET", path, query=self.selectors, deadline=self.deadline)
        self._version = (answer.get("metadata") or {}).get("resourceVersion") or ""
        items = answer.get("items") or []
        self.objects = {self._key(item): self._named(item) for item in items}

    def start(self, notify: Callable[[], None]) -> None:
        """Follow the objects in a thread of its own until `stop`."""
        threading.Thread(target=self._follow, args=(notify,), name=f"watch {self.kind}", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()
        response = self._response
        if response is not None:
            try:
                response.shutdown()
            except (OSError, RuntimeError, ValueError):  # closed in the meantime
                pass

    def _follow(self, notify: Callable[[], None]) -> None:
        while not self._stop.is_set() and not self.deadline.passed:
            try:
                if self.served:
                    self._watch(notify)
                else:
                    self._stop.wait(PAUSE)
                    self.cluster.discovery.refresh(self.deadline)
                if self._stop.is_set():
                    return
                self.list()
                self.error = None
            except KubeError as error:
                self.error = error
                self._stop.wait(PAUSE)
            notify()

    def _watch(self, notify: Callable[[], None]) -> None:
        """Take events until the server ends the watch; every failure ends it as well, and the caller lists anew."""
        resource = self.cluster.discovery.find(self.api_version, self.kind)
        if resource is None:
            return
        query = {**self.selectors, "watch": "1", "resourceVersion": self._version, "allowWatchBookmarks": "true"}
        query["timeoutSeconds"] = str(max(1, int(min(WATCH_SECONDS, self.deadline.remaining))))
        try:
            self._response = self.cluster.transport.stream(resource.path(self.namespace), query, WATCH_SECONDS + 10.0)
            for line in _lines(self._response):
                if self._stop.is_set() or not self._take(json.loads(line)):
                    return
                notify()
        except ApiError as error:
            if error.status != 410:
                self._stop.wait(PAUSE)
        except ClusterError:
            self._stop.wait(PAUSE)
        finally:
            if self._response is not None:
                self._response.close()
                self._response = None

    def _take(self, event: dict[str, Any]) -> bool:
        """Apply one event; False when the watch is of no more use (ERROR, mostly 410 Gone)."""
        if event["type"] == "ERROR" or self.objects is None:
            return False
        item = event["object"]
        self._version = item["metadata"].get("resourceVersion") or self._version
        if event["type"] in ("ADDED", "MODIFIED"):
            self.objects = {**self.objects, self._key(item): self._named(item)}
        elif event["type"] == "DELETED":
            self.objects = {key: value for key, value in self.objects.items() if key != self._key(item)}
        return True

    def _named(self, item: Document) -> Document:
        item.setdefault("apiVersion", self.api_version)
        item.setdefault("kind", self.kind)
        return item

    @staticmethod
    def _key(item: Document) -> str:
        return f"{item['metadata'].get('namespace', '')}/{item['metadata']['name']}"


def _lines(response: Any) -> Any:
    """The lines of a streamed response as they come; a torn stream ends them. Raises ClusterError."""
    rest = b""
    try:
        for chunk in response.stream(65536):
            *complete, rest = (rest + chunk).split(b"\n")
            yield from (line for line in complete if line.strip())
    except Exception as error:  # urllib3 raises many kinds, http.client and ssl some more, when a stream is torn
        raise ClusterError(f"the watch broke off: {error}") from error
