# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Releases on their way out: which of them a release must wait for before it leaves, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event

from ..errors import KubeError, ReleaseError
from ..plan.leaving.rehearsal import AbsentOptions, Removal

Work = Callable[[Removal, AbsentOptions, Callable[[], None]], None]


@dataclass
class Departure:
    """A removal that has begun. `free`: it needs the releases no more that it was built on."""

    removal: Removal
    beside: bool
    free: Event = field(default_factory=Event)
    done: Future[None] | None = None

    @property
    def release(self) -> str:
        return self.removal.own.release

    def begin(self, pool: ThreadPoolExecutor, work: Callable[[], None]) -> None:
        """Do the work in a thread of its own; a failure frees as well."""
        self.done = pool.submit(work)
        self.done.add_done_callback(lambda _done: self.free.set())

    def await_free(self) -> None:
        """Wait until it is free. Raises what made it fail by then."""
        self.free.wait()
        if self.is_over:
            self.await_end()

    def await_end(self) -> None:
        """Wait until it is over. Raises what made it fail."""
        if self.done:
            self.done.result()

    @property
    def is_over(self) -> bool:
        return self.done is not None and self.done.done()


class Departures:
    """Removals, each begun in its turn. `work` carries one out, and calls what it is given once that one is free."""

    def __init__(self, pool: ThreadPoolExecutor, removals: Sequence[Removal], work: Work) -> None:
        self._pool = pool
        self._work = work
        self._requires = {removal.own.release: removal.own.requires for removal in removals}
        self._begun: list[Departure] = []

    @property
    def under_way(self) -> list[Removal]:
        """Those that are not over."""
        return [departure.removal for departure in self._begun if not departure.is_over]

    def begin(self, removal: Removal, options: AbsentOptions) -> None:
        """Begin one."""
        departure = Departure(removal, options.beside)
        self._begun.append(departure)
        departure.begin(self._pool, lambda: self._work(removal, options, departure.free.set))

    def await_turn(self, release: str) -> None:
        """Wait until the release may leave. Raises what made one fail that it waits for.

        Those that leave beside the others are waited for where they need it. Those before it are, but one that needs
        it, directly or not, only until it is free: the rest of that one, such as pods that drain, does not.
        """
        for departure in self._begun:
            needs = self._needs(departure.release, release)
            if needs and not departure.beside:
                departure.await_free()
            elif needs or not departure.beside:
                departure.await_end()

    def await_end(self, errors: list[KubeError]) -> None:
        """Wait for all. Raises all that has failed, `errors` first, in one error."""
        for departure in self._begun:
            try:
                departure.await_end()
            except KubeError as error:
                if error not in errors:
                    errors.append(error)
        if len(errors) > 1:
            raise ReleaseError.of("", errors)
        if errors:
            raise errors[0]

    def _needs(self, release: str, needed: str) -> bool:
        found, left = set(), [release]
        while left:
            found.add(one := left.pop())
            left += [other for other in self._requires.get(one, ()) if other not in found]
        return needed in found - {release}
