# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The critical path: the chain of steps that determined when the last one ended.

As in the critical path method: from the last end back, each time to that of the needs which ended last. What the steps
stand for does not matter; they may be tasks, rollouts in the cluster, or whole roles.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .steps import Step


@dataclass(frozen=True)
class Span:
    """A step in time, in seconds, and the names of the steps without whose end it could not have ended."""

    name: str
    start: float
    end: float
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Link:
    """A step of the critical path.

    `alone` are the seconds that this step alone held up the end: those after the end of what it needed. `idle` are the
    seconds between that end and its own start, in which nothing that is known of was done for it. All `alone` and
    `idle` of a path are together the time from the first step's start to the last one's end.
    """

    name: str
    start: float
    end: float
    alone: float
    idle: float = 0.0


def critical_path(spans: Iterable[Span]) -> list[Link]:
    """Return the critical path, the first step first; none for no steps.

    A need that is no step, or that ended after the step that needs it, counts for nothing. Of needs that ended at the
    same time the one that began last counts, then the one whose name is last.
    """
    known = {span.name: span for span in spans}
    links: list[Link] = []
    seen: set[str] = set()
    at = max(known.values(), key=_order, default=None)
    while at is not None:
        seen.add(at.name)
        ended = [known[name] for name in at.needs if name in known and name not in seen and known[name].end <= at.end]
        need = max(ended, key=_order, default=None)
        begun = at.start if need is None else max(at.start, need.end)
        idle = 0.0 if need is None else max(0.0, at.start - need.end)
        links.append(Link(at.name, at.start, at.end, at.end - begun, idle))
        at = need
    return links[::-1]


def spans_of(hosts: Sequence[Sequence[Step]], lockstep: bool) -> list[Span]:
    """Return the steps of all hosts as spans, each of which needs what Ansible lets it wait for.

    That is the step before it on its host and, in `lockstep` (the strategy linear), what the other hosts had done by
    then: a task begins on no host before the one before it has ended on all.
    """
    spans = []
    for steps in hosts:
        for number, step in enumerate(steps):
            needs = [steps[number - 1].key] if number else []
            if lockstep:
                needs += _of_others(step, [other for other in hosts if other is not steps])
            spans.append(Span(step.key, step.start, step.end, tuple(needs)))
    return spans


def seconds_by(links: Iterable[Link], groups: Mapping[str, str]) -> dict[str, float]:
    """Return for how many seconds each group of steps alone held up the end; `groups` has a group for each name."""
    found: dict[str, float] = {}
    for link in links:
        group = groups[link.name]
        found[group] = found.get(group, 0.0) + link.alone
    return found


def _of_others(step: Step, others: Iterable[Sequence[Step]]) -> list[str]:
    """Return of each other host the last step of another task that had ended when this one began."""
    before = [[one for one in steps if one.end <= step.start and one.task != step.task] for steps in others]
    return [max(steps, key=lambda one: one.end).key for steps in before if steps]


def _order(span: Span) -> tuple[float, float, str]:
    return span.end, span.start, span.name
