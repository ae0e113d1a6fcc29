# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A live view of some objects: LIST, then WATCH from there, listed anew whenever the watch ends or cannot be trusted.

The name and the scheme are those of client-go's informers (tools/cache, Reflector.ListAndWatch).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

from ...durations import elapsed
from ..deadline import Deadline
from ..errors import ApiError, ClusterError, KubeError
from ..objects import Document
from .answers import list_fault
from .backoff import pause_before, worth_retrying
from .cluster import Cluster
from .watch_events import WatchBroken, WatchEvent, key_of, lines_of, read_event, read_list

WATCH_SECONDS = 15  # then listed anew, which also mends whatever a watch may have missed
SILENCE = 3.0  # seconds that a watch may stay open, or silent, beyond its time before the connection counts as dead
LIST_SECONDS = 20.0  # a listing that takes longer is begun anew, so that its failure becomes known
QUIET = 3.0  # seconds without news that are not worth a word
UNSERVED_PAUSE = 1.0  # seconds between looks at discovery while the kind is not served


class Informer:
    """Objects of one kind in one place. `objects` is None until the first listing; `served` tells whether the kind is.

    `notify` is called, from the informer's thread, after every change.
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
        self._unheard_since: float | None = None
        self._failures = 0
        self._current = False  # whether there is a listing to watch from
        self._version = ""
        self._stop = threading.Event()
        self._response: Any = None

    def list(self) -> None:
        """Read the current state once. Raises KubeError."""
        resource = self.cluster.discovery.find(self.api_version, self.kind)
        if resource is None:
            self.served, self.objects = False, {}
        else:
            limit = Deadline(max(1.0, min(LIST_SECONDS, self.deadline.remaining)))
            path = resource.path(self.namespace)
            answer = self.cluster.transport.call(
                "GET",
                path,
                query=self.selectors,
                deadline=limit,
                retry_if=_may_pass_and_is_served,
                fault_of=lambda answer: list_fault(answer, self.api_version, self.kind),
            )
            self.objects, self._version = read_list(answer, self.api_version, self.kind)
            self.served = True
        self._current, self.error, self._unheard_since = True, None, None

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

    @property
    def no_news(self) -> str:
        """Since when and why the objects may be out of date; "" while they are not."""
        since, error = self._unheard_since, self.error
        if since is None or monotonic() - since < QUIET:
            return ""
        return f"no news of {self.kind} for {elapsed(monotonic() - since)}: {error or 'the API server does not answer'}"

    def _follow(self, notify: Callable[[], None]) -> None:
        """The thread. Only `stop` and the deadline end it: a silent death would leave a view that never changes."""
        while not self._stop.is_set() and not self.deadline.passed:
            try:
                self._one_round(notify)
                notify()
            except Exception as error:
                self._current = False
                self._failed(error if isinstance(error, KubeError) else _unexpected(error))

    def _one_round(self, notify: Callable[[], None]) -> None:
        if self._current and self.served:
            try:
                self._watch(notify)
                self._failures = 0
            except KubeError as error:
                self._failed(error)
        elif not self.served:
            self._stop.wait(UNSERVED_PAUSE)
            self.cluster.discovery.refresh(self.deadline)
        if self._stop.is_set():
            return
        self._unheard_since = self._unheard_since or monotonic()
        try:
            self.list()
        except ApiError as error:
            if error.status != 404:
                raise
            self.cluster.discovery.refresh(self.deadline)  # its CRD may be gone
            self.list()

    def _failed(self, error: KubeError) -> None:
        """Remember it, and wait as long as the backoff or the server's Retry-After says."""
        self.error = error
        self._unheard_since = self._unheard_since or monotonic()
        self._failures += 1
        if isinstance(error, WatchBroken) and error.expired:
            retry_after: float | None = 0.0
        else:
            retry_after = error.retry_after if isinstance(error, ApiError) else None
        self._stop.wait(min(pause_before(min(self._failures, 16), retry_after), self.deadline.remaining))

    def _watch(self, notify: Callable[[], None]) -> None:
        """Take events until the server ends the watch. Raises KubeError when it ends otherwise, or at once."""
        resource = self.cluster.discovery.find(self.api_version, self.kind)
        if resource is None:
            return
        seconds = max(1, int(min(WATCH_SECONDS, self.deadline.remaining)))
        query = {**self.selectors, "watch": "1", "resourceVersion": self._version, "allowWatchBookmarks": "true"}
        query["timeoutSeconds"] = str(seconds)
        started, taken = monotonic(), 0
        try:
            self._response = self.cluster.transport.stream(resource.path(self.namespace), query, seconds + SILENCE)
            if self._response.status != 200:
                raise ClusterError(f"HTTP {self._response.status} in answer to a watch of {self.kind}")
            for line in lines_of(self._response, seconds + SILENCE):
                if self._stop.is_set():
                    return
                self._take(read_event(line, self.api_version, self.kind))
                taken += 1
                notify()
        finally:
            response, self._response = self._response, None
            if response is not None:
                response.close()
        if not taken and monotonic() - started < min(1.0, seconds / 2) and not self._stop.is_set():
            raise ClusterError(f"the watch of {self.kind} ended at once")

    def _take(self, event: WatchEvent) -> None:
        self._version = event.version or self._version
        self.error, self._unheard_since = None, None
        if event.kind in ("ADDED", "MODIFIED"):
            self.objects = {**(self.objects or {}), key_of(event.item): event.item}
        elif event.kind == "DELETED":
            self.objects = {key: item for key, item in (self.objects or {}).items() if key != key_of(event.item)}


def _may_pass_and_is_served(error: ApiError) -> bool:
    return worth_retrying(error) and error.status != 404


def _unexpected(error: Exception) -> ClusterError:
    return ClusterError(f"unexpected {type(error).__name__}: {error}")
