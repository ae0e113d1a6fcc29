"""Spans of time in words."""

from __future__ import annotations

from ansible_collections.selfhosted.serverless.plugins.module_utils.durations import duration, elapsed


def test_how_long_something_took() -> None:
    assert [duration(value) for value in (0, 0.04, 0.996, 7.26, 9.96, 59.6, 200, 180, 3900, 7200)] == [
        "0.00 s", "0.04 s", "1.0 s", "7.3 s", "10 s", "1 min", "3 min 20 s", "3 min", "1 h 5 min", "2 h",
    ]  # fmt: skip
    assert duration(361.8) == "6 min 2 s"


def test_time_that_has_gone_by_is_told_in_whole_seconds() -> None:
    assert [elapsed(value) for value in (0.04, 7.26, 59.4, 59.6, 361.8)] == ["0 s", "7 s", "59 s", "1 min", "6 min 2 s"]
