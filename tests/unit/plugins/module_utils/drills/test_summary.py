"""Exact percentiles, and what of failed requests is counted."""

from __future__ import annotations

import random

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.shots import Shot
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.summary import (
    Summary,
    errors_by_kind,
    milliseconds,
    percentile,
)


@pytest.mark.parametrize(
    ("percent", "expected"), [(1, 1), (50, 50), (90, 90), (99, 99), (99.1, 100), (100, 100), (0.5, 1)]
)
def test_percentiles_of_one_to_a_hundred(percent: float, expected: int) -> None:
    values = list(range(1, 101))
    random.Random(1).shuffle(values)
    assert percentile(values, percent) == expected


def test_a_percentile_covers_its_share_and_no_smaller_value_does() -> None:
    values = [random.Random(seed).expovariate(1) for seed in range(997)]
    for percent in (10, 50, 90, 99, 99.9):
        found = percentile(values, percent)
        assert sum(value <= found for value in values) >= len(values) * percent / 100
        assert sum(value < found for value in values) < len(values) * percent / 100


@pytest.mark.parametrize(("values", "percent"), [([], 50), ([1.0], 0), ([1.0], 101)])
def test_no_percentile(values: list[float], percent: float) -> None:
    with pytest.raises(ValueError, match="no percentile"):
        percentile(values, percent)


def test_a_summary_leaves_failed_requests_out_of_the_latencies() -> None:
    shots = [Shot(0, 0, 0.1, 200), Shot(0, 0, 0.3, 200), Shot(0, 0, 9, 503, "HTTP 503"), Shot(1, 1, 9, 0, "timed out")]
    assert Summary.of(shots).as_json() == {
        "requests": 4, "failed": 2, "p50": 0.1, "p90": 0.3, "p99": 0.3, "longest": 0.3
    }  # fmt: skip
    assert errors_by_kind([*shots, shots[3]]) == {"timed out": 2, "HTTP 503": 1}


def test_a_summary_of_nothing() -> None:
    assert Summary.of([]) == Summary(0, 0, None, None, None, None)


def test_latency_counts_from_when_a_request_was_due() -> None:
    assert Shot(scheduled=1.0, sent=3.0, done=3.5, status=200).latency == 2.5


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, "-"), (0.0123, "12 ms"), (1.239, "1.24 s"), (0.9994, "999 ms"), (0.9999, "1000 ms")]
)
def test_seconds_for_people(seconds: float | None, text: str) -> None:
    assert milliseconds(seconds) == text
