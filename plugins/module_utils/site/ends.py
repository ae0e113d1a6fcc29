# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run ended on each host, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..durations import duration

MOST = 160  # characters of a reason


@dataclass
class HostEnd:
    """A host: when it began (monotonic seconds), for how long it ran, whether anything changed, and what failed.

    In check mode `changed` says that something would change.
    """

    host: str
    began: float
    seconds: float = 0.0
    changed: bool = False
    check: bool = False
    task: str = ""
    error: str = ""


def table_of(ends: Sequence[HostEnd], seconds: float) -> list[str]:
    """Return a line for each host, sorted, and one for all; one line in all where there is one host."""
    if not ends:
        return [f"Nothing was done ({duration(seconds)})."]
    failed = [end for end in ends if end.error]
    if len(ends) == 1:
        return [f"{_outcome(ends[0])} after {duration(ends[0].seconds)}."]
    width, states = max(len(end.host) for end in ends), max(len(_outcome(end)) for end in ends)
    times = max(len(duration(end.seconds)) for end in ends)
    lines = [
        f"  {end.host:<{width}}  {_outcome(end):<{states}}  {duration(end.seconds):>{times}}{_reason(end)}"
        for end in sorted(ends, key=lambda end: end.host)
    ]
    total = f"{len(ends)} contexts in {duration(seconds)}"
    return [*lines, f"{total}, {len(failed)} failed." if failed else f"{total}, none failed."]


def _outcome(end: HostEnd) -> str:
    changed = "would change" if end.check else "changed"
    return "failed" if end.error else changed if end.changed else "unchanged"


def _reason(end: HostEnd) -> str:
    if not end.error:
        return ""
    first = end.error.splitlines()[0]
    return f"  {end.task}: {first if len(first) <= MOST else first[: MOST - 1] + '…'}"
