# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a run out of its journals: one for each action, with its time and how it ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from .journal import BEGIN, END, Record


class Outcome(StrEnum):
    """How a step ended."""

    OK = "ok"
    CHANGED = "changed"
    FAILED = "failed"
    IGNORED = "failed, and the run went on"
    INTERRUPTED = "interrupted"
    RUNNING = "running"

    @property
    def is_open(self) -> bool:
        """Whether no end was noted."""
        return self in (Outcome.INTERRUPTED, Outcome.RUNNING)


@dataclass(frozen=True)
class Warned:
    """A warning, with what to do about it where that is said apart."""

    text: str
    remedy: str = ""


@dataclass(frozen=True)
class Step:
    """One action on one host; `start` and `end` are seconds since the run's start, `key` is unique in the run.

    `role` is whose task it is, `within` the role that included that one, else the same; both '' outside of roles.
    `task` is the same on all hosts. `waited` are the seconds, of those between start and end, in which it waited for
    the cluster. `notes` is what the action tells of itself, such as a plan.
    """

    key: str
    host: str
    name: str
    role: str
    within: str
    action: str
    task: str
    start: float
    end: float
    outcome: Outcome
    waited: float = 0.0
    error: str = ""
    warnings: tuple[Warned, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        return self.end - self.start


def steps_of(records: Sequence[Record], zero: float, now: float, over: bool) -> list[Step]:
    """Return the steps of a host's journal in the order in which they began.

    `zero` and `now` are on the journal's clock: when the run began, and up to when steps without an end have lasted.
    `over` tells that the run has ended, so that such steps were interrupted.
    """
    host = str(records[0]["host"])
    ends = {record["step"]: record for record in records if record["event"] == END}
    begun = [record for record in records if record["event"] == BEGIN]
    left = Outcome.INTERRUPTED if over else Outcome.RUNNING
    return [
        _step(f"{host}/{number}", host, begin, ends.get(begin["step"], {"at": now, "outcome": left}), zero)
        for number, begin in enumerate(begun, 1)
    ]


def waited_seconds(steps: Iterable[Step]) -> float:
    """Return the seconds in which the steps waited for the cluster."""
    return sum(step.waited for step in steps)


def _step(key: str, host: str, begin: Record, end: Record, zero: float) -> Step:
    start = max(0.0, begin["at"] - zero)
    finish = max(start, end["at"] - zero)
    return Step(
        key=key,
        host=host,
        name=str(begin["name"]),
        role=str(begin["role"]),
        within=str(begin["within"]),
        action=str(begin["action"]),
        task=str(begin["task"]),
        start=start,
        end=finish,
        outcome=Outcome(end["outcome"]),
        waited=min(float(end.get("waited") or 0.0), finish - start),
        error=str(end.get("error") or ""),
        warnings=tuple(Warned(str(text), str(remedy)) for text, remedy in end.get("warnings") or []),
        notes=end.get("notes") or {},
    )
