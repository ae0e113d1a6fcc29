# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests at a fixed rate (open loop) or from a fixed number of callers (closed loop), bounded in every way.

In the open loop a request's latency counts from when it was due, so that a server that stalls cannot hide it by
holding the callers back ("coordinated omission", G. Tene, "How NOT to Measure Latency").
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from .http_client import Address, Client
from .shots import Shot

MOST_WORKERS, MOST_RATE = 256, 1000  # a drill is no stress test


@dataclass(frozen=True)
class Plan:
    """What is sent.

    `workers` is the most requests at a time, `rate` requests a second (None: closed loop, each worker sends the next
    when it has its answer, after `pause` seconds), `seconds` and `requests` the most of both. `label` names the field
    of a JSON answer that is noted; an answer without it is a failure. `timeout` is in seconds.
    """

    path: str
    workers: int
    seconds: float
    requests: int
    rate: float | None = None
    pause: float = 0.0
    label: str = ""
    keep_alive: bool = False
    timeout: float = 10.0

    def __post_init__(self) -> None:
        if self.workers < 1 or self.seconds <= 0 or self.requests < 1 or (self.rate is not None and self.rate <= 0):
            raise ValueError(f"a load needs positive bounds, not {self}")
        if self.workers > MOST_WORKERS or (self.rate or 0) > MOST_RATE:
            raise ValueError(f"a load may have {MOST_WORKERS} workers and {MOST_RATE} requests a second at the most")

    @classmethod
    def at_rate(cls, path: str, rate: float, seconds: float, timeout: float, keep_alive: bool = False) -> Plan:
        """An open loop with workers enough for requests that all take as long as they may."""
        workers = min(MOST_WORKERS, int(rate * timeout) + 1)
        most = int(rate * seconds) + 1
        return cls(path, workers, seconds, most, rate, keep_alive=keep_alive, timeout=timeout)


class Load:
    """Runs a plan against one address. `now` gives the seconds since the start of the drill."""

    def __init__(self, address: Address, plan: Plan, now: Callable[[], float]) -> None:
        self.address, self.plan, self._now = address, plan, now
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._shots: list[Shot] = []
        self._taken = 0
        self._begin = 0.0
        self._end: float | None = None
        self._threads = [
            threading.Thread(target=self._work, name=f"load {number}", daemon=True) for number in range(plan.workers)
        ]

    @property
    def shots(self) -> list[Shot]:
        """The finished requests so far, in the order of their end."""
        with self._lock:
            return list(self._shots)

    @property
    def overdue(self) -> int:
        """Requests of an open loop that were due before the end and never sent, because no worker was free."""
        if self.plan.rate is None:
            return 0
        with self._lock:
            end = self._now() if self._end is None else self._end
            due = int((min(end, self._begin + self.plan.seconds) - self._begin) * self.plan.rate)
            return max(0, min(due, self.plan.requests) - self._taken)

    def start(self) -> Load:
        self._begin = self._now()
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> list[Shot]:
        """Send no more, wait for the answers of what is under way, and return all."""
        with self._lock:
            self._end = self._now() if self._end is None else self._end
        self._stop.set()
        return self.join()

    def join(self) -> list[Shot]:
        """Wait until the plan is done."""
        for thread in self._threads:
            thread.join()
        return self.shots

    def __enter__(self) -> Load:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def _work(self) -> None:
        client = Client(self.address, self.plan.keep_alive, self.plan.timeout)
        while (scheduled := self._next()) is not None:
            wait = scheduled - self._now()
            if wait > 0 and self._stop.wait(wait):
                self._give_back()
                break
            shot = self._send(client, scheduled)
            with self._lock:
                self._shots.append(shot)
            if self.plan.rate is None and self._stop.wait(self.plan.pause):
                break
        client.close()

    def _next(self) -> float | None:
        """When the next request is due; None when there is none any more."""
        with self._lock:
            if self._stop.is_set() or self._taken >= self.plan.requests:
                return None
            due = self._now() if self.plan.rate is None else self._begin + self._taken / self.plan.rate
            if due >= self._begin + self.plan.seconds:
                return None
            self._taken += 1
            return due

    def _give_back(self) -> None:
        """The load was stopped before this request was due."""
        with self._lock:
            self._taken -= 1

    def _send(self, client: Client, scheduled: float) -> Shot:
        sent = self._now()
        reply = client.get(self.plan.path)
        done = self._now()
        error, label = reply.error, ""
        if self.plan.label and not error:
            found = reply.field(self.plan.label)
            error, label = (f"no {self.plan.label} in the answer", "") if found is None else ("", found)
        return Shot(scheduled, sent, done, reply.status, error, label)
