# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request of a load and what became of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shot:
    """Times are seconds since the start of the drill.

    `scheduled` is when the request was due, `sent` when it went out, `done` when its answer was read or it failed.
    `status` is the HTTP status (0: no answer), `error` the kind of failure in a few words (empty: none), `label` the
    field of the answer that was asked for.
    """

    scheduled: float
    sent: float
    done: float
    status: int
    error: str = ""
    label: str = ""

    @property
    def ok(self) -> bool:
        return not self.error

    @property
    def latency(self) -> float:
        """Seconds from when it was due: a request that had to wait for its turn waited all the same."""
        return self.done - self.scheduled
