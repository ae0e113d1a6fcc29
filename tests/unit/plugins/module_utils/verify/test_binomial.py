"""The bounds against sums of exact fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.verify.binomial import FALSE_ALARMS, bounds


def below(trials: int, count: int, share: Fraction) -> Fraction:
    """The exact chance of fewer than `count`."""
    return sum((math.comb(trials, k) * share**k * (1 - share) ** (trials - k) for k in range(count)), start=Fraction(0))


@pytest.mark.parametrize("share", [Fraction(1, 2), Fraction(9, 10), Fraction(1, 100), Fraction(1, 3)])
@pytest.mark.parametrize("trials", [1, 20, 100, 400])
@pytest.mark.parametrize("error", [FALSE_ALARMS, 0.05])
def test_so_much_and_no_more_lies_outside(trials: int, share: Fraction, error: float) -> None:
    low, high = bounds(trials, float(share), error)
    tail = Fraction(error) / 2
    assert below(trials, low, share) <= tail < below(trials, low + 1, share)
    # The upper tail is the lower one of the other outcome
    other, rest = 1 - share, trials - high
    assert below(trials, rest, other) <= tail < below(trials, rest + 1, other)


def test_half_of_a_hundred() -> None:
    assert bounds(100, 0.5) == (31, 69)
    assert bounds(100, 0.9)[0] > 69, "a split of 90/10 is not taken for one of 50/50"


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (1.0, 100)])
def test_none_and_all_are_exact(share: float, count: int) -> None:
    assert bounds(100, share) == (count, count)


@pytest.mark.parametrize("given", [(0, 0.5, 0.1), (10, 1.1, 0.1), (10, -0.1, 0.1), (10, 0.5, 0.0), (10, 0.5, 1.0)])
def test_what_makes_no_sense_is_refused(given: tuple[int, float, float]) -> None:
    with pytest.raises(ValueError, match="no bounds"):
        bounds(*given)
