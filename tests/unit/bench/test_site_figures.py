"""Medians, percentiles and verdicts."""

from __future__ import annotations

import pytest

from bench.site_figures import Figure, percentile, ratio, result


@pytest.mark.parametrize(
    ("bars", "rounds", "verdict"),
    [
        ({"at_most": 4}, (3.9, 9.0, 4.0), "met"),
        ({"at_most": 4}, (4.1, 4.2, 1.0), "missed"),
        ({"at_least": 5}, (5.0,), "met"),
        ({"at_least": 5}, (4.9, 5.5, 4.8), "missed"),
        ({"at_most": 0}, (0.0, 0.0), "met"),
        ({}, (1.0,), ""),
    ],
)
def test_the_median_is_held_against_the_bar(bars: dict[str, float], rounds: tuple[float, ...], verdict: str) -> None:
    assert Figure("x", "s", rounds, **bars).verdict == verdict


def test_a_value_of_its_own_takes_the_place_of_the_median() -> None:
    figure = Figure("writes", "", (0.0, 0.0, 3.0), at_most=0, value=3)
    assert (figure.amount, figure.verdict) == (3, "missed")


def test_the_line_tells_the_bar_only_where_there_is_one() -> None:
    assert str(Figure("converged", "s", (3.0,), at_most=4)).endswith("at most 4: met")
    assert str(Figure("converged", "s", (3.0,))).split() == ["converged", "3.00", "s"]


def test_a_ratio_is_the_median_of_the_rounds_ratios() -> None:
    figure = ratio("ours over theirs", [2.0, 4.0, 30.0], [4.0, 4.0, 10.0], at_most=1)
    assert figure.rounds == (0.5, 1.0, 3.0)
    assert (figure.amount, figure.verdict) == (1.0, "met")


@pytest.mark.parametrize(("percent", "value"), [(95, 38), (50, 20), (100, 40), (0, 1)])
def test_a_percentile_is_one_of_the_values(percent: float, value: float) -> None:
    assert percentile(list(range(40, 0, -1)), percent) == value


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 95)


def test_the_result_holds_all_rounds_and_the_verdict() -> None:
    found = result([Figure("a", "s", (1.0, 3.0, 2.0), at_most=2), Figure("b", "ms", (1.23456,))], cores=2)
    assert found == {
        "cores": 2,
        "figures": {
            "a": {"median": 2.0, "unit": "s", "bar": "at most 2", "verdict": "met", "rounds": [1.0, 3.0, 2.0]},
            "b": {"median": 1.235, "unit": "ms", "rounds": [1.235]},
        },
    }
