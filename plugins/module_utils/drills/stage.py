# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every drill stands on: the cluster, the application, a clock, a time limit and someone who listens."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from ..kube.client.cluster import Cluster
from ..kube.deadline import Deadline
from ..kube.parallel import SIGN_OF_LIFE
from .application import Application
from .catalogue import DRILLS
from .errors import DrillError
from .load import Load, Plan
from .replicas import ReplicaWatch
from .shots import Shot
from .timeline import Event, Timeline

LOOK = 0.1  # seconds between two looks at something that is waited for


class Stage:
    """`tell` passes a line of progress on; `deadline` bounds the whole drill."""

    def __init__(
        self, cluster: Cluster, application: Application, tell: Callable[[str], None], deadline: Deadline
    ) -> None:
        self.cluster, self.application = cluster, application
        self.tell, self.deadline = tell, deadline
        self.started = datetime.now(UTC)
        self.events: list[Event] = []
        self._zero = time.monotonic()
        self._loads: list[Load] = []
        self._watches: list[ReplicaWatch] = []

    def title(self, drill: str) -> str:
        """The heading of a drill's result."""
        return f"{drill} ({self.application.variant}): {DRILLS[drill].title}"

    def now(self) -> float:
        """Seconds since the start of the drill."""
        return time.monotonic() - self._zero

    def event(self, label: str) -> float:
        """Note and tell that something happened just now; its time."""
        seconds = self.now()
        self.events.append(Event(seconds, label))
        self.tell(f"{seconds:6.1f} s  {label}")
        return seconds

    def watch(self, *services: str) -> ReplicaWatch:
        """The pods of some services of the application, not yet started."""
        selectors = {service: self.application.selector(service) for service in services}
        watch = ReplicaWatch(self.cluster, self.application.namespace, selectors, self.now, self.deadline)
        self._watches.append(watch)
        return watch

    def timeline(self) -> Timeline:
        """All that has happened so far: pods ready and present, requests, events."""
        steps = [
            series[service]
            for watch in self._watches
            for service in watch.ready
            for series in (watch.ready, watch.present)
        ]
        return Timeline("pods", steps, self._shots(), list(self.events))

    def load(self, plan: Plan) -> Load:
        """A load on the application, not yet started; it is told of in progress lines."""
        load = Load(self.application.address, plan, self.now)
        self._loads.append(load)
        return load

    def until(
        self, what: str, condition: Callable[[], bool], seconds: float, state: Callable[[], str] = lambda: ""
    ) -> float:
        """Wait until `condition` holds; the time when it did. `state` says how things stand.

        Raises DrillError when it does not hold within `seconds`, or within the drill's own limit.
        """
        limit = Deadline(min(seconds, self.deadline.remaining))
        told = time.monotonic()
        while not condition():
            if limit.passed:
                found = state()
                raise DrillError(f"not within {limit.seconds:.0f} s: {what}" + (f" ({found})" if found else ""))
            if time.monotonic() - told >= SIGN_OF_LIFE:
                told = time.monotonic()
                self._sign_of_life(what, state())
            time.sleep(LOOK)
        return self.now()

    def go_on(self, what: str, seconds: float, state: Callable[[], str] = lambda: "") -> None:
        """Let time pass, for a load that is to see a while of what is now."""
        end = self.now() + min(seconds, self.deadline.remaining)
        self.until(what, lambda: self.now() >= end, seconds + 1, state)

    def _sign_of_life(self, what: str, state: str) -> None:
        shots = self._shots()
        failed = sum(not shot.ok for shot in shots)
        parts = [what, state, f"{len(shots)} requests, {failed} failed" if shots else ""]
        self.tell(f"{self.now():6.1f} s  ... " + "; ".join(part for part in parts if part))

    def _shots(self) -> list[Shot]:
        return [shot for load in self._loads for shot in load.shots]
