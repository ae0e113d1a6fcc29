"""Which steps determined when a run ended."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.critical_path import (
    Link,
    Span,
    critical_path,
    seconds_by,
    spans_of,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.steps import Step, steps_of
from noted_runs import ZERO, Host


def names(spans: list[Span]) -> list[str]:
    return [link.name for link in critical_path(spans)]


def test_no_step_has_no_path() -> None:
    assert critical_path([]) == []


def test_steps_in_a_row_are_all_of_it() -> None:
    spans = [Span("a", 0, 2), Span("b", 2, 5, ("a",)), Span("c", 6, 7, ("b",))]
    assert critical_path(spans) == [Link("a", 0, 2, 2), Link("b", 2, 5, 3), Link("c", 6, 7, 1, idle=1)]


def test_of_two_needs_the_later_one_counts() -> None:
    spans = [Span("short", 0, 3), Span("long", 0, 10), Span("end", 10, 11, ("short", "long"))]
    assert names(spans) == ["long", "end"]


def test_what_ended_earlier_than_the_last_step_is_not_of_it() -> None:
    assert names([Span("a", 0, 10), Span("b", 0, 11)]) == ["b"]


def test_a_wait_beside_what_it_needs_counts_from_its_end_on() -> None:
    """Applied first and waited for later: the wait begins while the rollout goes on."""
    spans = [
        Span("apply", 0, 4),
        Span("rollout", 4, 30, ("apply",)),
        Span("wait", 10, 31, ("rollout",)),
    ]
    assert [(link.name, link.alone, link.idle) for link in critical_path(spans)] == [
        ("apply", 4, 0),
        ("rollout", 26, 0),
        ("wait", 1, 0),
    ]


@pytest.mark.parametrize(
    "spans",
    [
        [Span("a", 0, 1, ("nowhere",))],
        [Span("a", 0, 1, ("a",))],
        [Span("b", 0, 9, ("a",)), Span("a", 0, 10, ("b",))],
        [Span("a", 0, 10, ("b",)), Span("b", 0, 10, ("a",))],
        [Span("late", 0, 20), Span("a", 0, 30, ()), Span("b", 0, 5, ("late",))],
    ],
)
def test_needs_that_make_no_sense_do_no_harm(spans: list[Span]) -> None:
    path = critical_path(spans)
    assert path[-1].end == max(span.end for span in spans)
    assert len({link.name for link in path}) == len(path)


def test_all_parts_together_are_the_time_from_its_begin_to_the_end() -> None:
    chance = random.Random(7)
    for _round in range(300):
        spans: list[Span] = []
        for number in range(chance.randrange(1, 30)):
            start = chance.uniform(0, 100)
            needs = tuple(span.name for span in spans if chance.random() < 0.3)
            spans.append(Span(str(number), start, start + chance.uniform(0, 20), needs))
        path = critical_path(spans)
        whole = path[-1].end - path[0].start
        assert sum(link.alone + link.idle for link in path) == pytest.approx(whole)
        assert all(link.alone >= 0 and link.idle >= 0 for link in path)


def test_seconds_are_added_up_by_group() -> None:
    links = [Link("a", 0, 2, 2), Link("b", 2, 5, 3), Link("c", 5, 6, 1)]
    assert seconds_by(links, {"a": "x", "b": "y", "c": "x"}) == {"x": 3, "y": 3}


def two_hosts(tmp_path: Path) -> list[list[Step]]:
    """`slow` takes long for the first task, `quick` for the second; the third begins when both are done."""
    slow, quick = Host(tmp_path, "slow"), Host(tmp_path, "quick")
    for host, times in ((slow, (0, 10, 10, 1, 19, 2)), (quick, (0, 1, 10, 9, 19, 3))):
        for number in range(3):
            host.step(times[2 * number], times[2 * number + 1], f"task {number}")
    return [steps_of(host.journal.read(), ZERO, ZERO + 30, True) for host in (slow, quick)]


def test_in_lockstep_the_slowest_host_holds_up_each_task(tmp_path: Path) -> None:
    path = critical_path(spans_of(two_hosts(tmp_path), lockstep=True))
    assert [(link.name, link.alone) for link in path] == [("slow/1", 10), ("quick/2", 9), ("quick/3", 3)]


def test_without_lockstep_no_host_waits_for_another(tmp_path: Path) -> None:
    path = critical_path(spans_of(two_hosts(tmp_path), lockstep=False))
    assert [link.name for link in path] == ["quick/1", "quick/2", "quick/3"]
    assert [link.idle for link in path] == [0, 9, 0]
