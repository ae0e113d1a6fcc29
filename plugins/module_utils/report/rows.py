# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the picture of a run: what was done when, the parts of it, and what held up the end."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ..durations import duration
from .steps import Outcome

MOST_ROWS = 36
_SHORTEST = 0.5  # seconds of a step that has a row of its own, where that leaves few enough rows
_BAD = (Outcome.FAILED.value, Outcome.INTERRUPTED.value)
OUTSIDE = "playbook"  # the part of tasks that are of no role

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Bar:
    """A stretch of time in seconds since the run's start, how it is drawn, and what it is in words.

    `css` is one of work, wait and bad; of the first two, what did not hold up the end is aside.
    """

    start: float
    end: float
    css: str
    words: str


@dataclass(frozen=True)
class Row:
    """A line of the picture; an `inner` one is a part of the last one that is not. `words` stand at its end."""

    label: str
    bars: tuple[Bar, ...]
    words: str
    inner: bool = False


def rows_of_context(steps: Sequence[Json], critical: Collection[str], most: int = MOST_ROWS) -> list[Row]:
    """Return a row for each role that ran, and below it its longer steps; at most about `most` rows.

    `steps` are those of a report's context, `critical` the keys of those that are on the critical path. A role that ran
    several times, with others between, has as many rows. What failed always has a row.
    """
    parts = [(name, list(group)) for name, group in groupby(steps, key=part_of)]
    shortest = _SHORTEST
    while len(parts) + sum(len(_longer(group, shortest)) for _name, group in parts) > most and shortest < 1e6:
        shortest *= 1.5
    rows = []
    for name, group in parts:
        rows.append(_row(name, group, critical))
        rows += [_row(step["name"], [step], critical, inner=True) for step in _longer(group, shortest)]
    return rows


def rows_of_run(contexts: Iterable[Json], critical: Collection[str]) -> list[Row]:
    """Return a row for each context of a run."""
    return [_row(context["host"], context["steps"], critical) for context in contexts if context["steps"]]


def part_of(step: Json) -> str:
    """Return the part of the run that a step is counted to: the role that a person would name."""
    return step["within"] or step["role"] or OUTSIDE


def _longer(group: Sequence[Json], shortest: float) -> list[Json]:
    """Return the steps that have a row of their own; a role of a single step is that step."""
    if len(group) == 1 and group[0]["outcome"] not in _BAD:
        return []
    return [step for step in group if step["end"] - step["start"] >= shortest or step["outcome"] in _BAD]


def _row(label: str, steps: Sequence[Json], critical: Collection[str], inner: bool = False) -> Row:
    bars = tuple(_bar(step, step["step"] in critical) for step in steps)
    return Row(label, bars, duration(steps[-1]["end"] - steps[0]["start"]), inner)


def _bar(step: Json, is_critical: bool) -> Bar:
    seconds = step["end"] - step["start"]
    if step["outcome"] in _BAD:
        css = "bad"
    else:
        css = ("wait" if step["waited"] > seconds / 2 else "work") + ("" if is_critical else " aside")
    words = f"{step['name']}: {duration(seconds)}, from {duration(step['start'])} on"
    return Bar(step["start"], step["end"], css, words)
