# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs in their order, many at a time, but only so many for each host: a host that is full holds up no other."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """Something to do with one host. `run` may return a job that is to follow, with whatever host."""

    host: str
    run: Callable[[], Job | None]


@dataclass(frozen=True)
class Limits:
    """How many streams at a time, over all and to one host; seconds to wait for another process in the layout."""

    streams: int = 16
    per_host: int = 12
    lock_timeout: float = 1800.0


def run_jobs(jobs: Iterable[Job], limits: Limits) -> None:
    """Run all jobs, and those that follow from them. What a job raises ends all, and is raised here."""
    queue = _Queue(list(jobs), limits.per_host)
    with ThreadPoolExecutor(limits.streams) as pool:
        workers = [pool.submit(queue.work) for _worker in range(limits.streams)]
        try:
            for worker in workers:
                worker.result()
        finally:
            queue.close()


class _Queue:
    """What is to be done, and how many jobs of each host are under way."""

    def __init__(self, pending: list[Job], per_host: int) -> None:
        self._pending = pending
        self._per_host = per_host
        self._active: Counter[str] = Counter()
        self._changed = threading.Condition()

    def work(self) -> None:
        """Take one job after the other until nothing can follow any more."""
        while job := self._take():
            following = None
            try:
                following = job.run()
            except BaseException:
                self.close()
                raise
            finally:
                self._end(job, following)

    def close(self) -> None:
        """Forget what has not begun."""
        with self._changed:
            self._pending.clear()
            self._changed.notify_all()

    def _take(self) -> Job | None:
        with self._changed:
            while self._pending or self._active.total():
                for number, job in enumerate(self._pending):
                    if self._active[job.host] < self._per_host:
                        self._active[job.host] += 1
                        return self._pending.pop(number)
                self._changed.wait()
            return None

    def _end(self, job: Job, following: Job | None) -> None:
        with self._changed:
            self._active[job.host] -= 1
            if following:
                self._pending.append(following)
            self._changed.notify_all()
