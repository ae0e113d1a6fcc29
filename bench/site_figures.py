"""What a measurement comes to: the rounds of each figure, what they amount to, and whether that meets its bar."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """A measured quantity: its rounds in `unit`, and the bar that their median has to meet, if there is one.

    `value` takes the median's place where the rounds amount to something else, such as a percentile.
    """

    name: str
    unit: str
    rounds: tuple[float, ...]
    at_most: float | None = None
    at_least: float | None = None
    value: float | None = None

    @property
    def amount(self) -> float:
        """What is held against the bar."""
        return statistics.median(self.rounds) if self.value is None else self.value

    @property
    def verdict(self) -> str:
        """Met, missed, or '' for a figure without a bar."""
        if self.at_most is None and self.at_least is None:
            return ""
        low = -math.inf if self.at_least is None else self.at_least
        high = math.inf if self.at_most is None else self.at_most
        return "met" if low <= self.amount <= high else "missed"

    @property
    def bar_in_words(self) -> str:
        """The bar in words, or ''."""
        words = [f"at least {self.at_least:g}"] if self.at_least is not None else []
        words += [f"at most {self.at_most:g}"] if self.at_most is not None else []
        return ", ".join(words)

    def __str__(self) -> str:
        """One line of the printed table."""
        judged = f"   {self.bar_in_words}: {self.verdict}" if self.verdict else ""
        return f"{self.name:52} {self.amount:9.2f} {self.unit:8}{judged}"

    def as_json(self) -> dict[str, Any]:
        """Its part of the result."""
        judged = {"bar": self.bar_in_words, "verdict": self.verdict} if self.verdict else {}
        rounds = [round(one, 3) for one in self.rounds]
        return {"median": round(self.amount, 3), "unit": self.unit, **judged, "rounds": rounds}


def ratio(
    name: str,
    over: Sequence[float],
    under: Sequence[float],
    at_most: float | None = None,
    at_least: float | None = None,
) -> Figure:
    """The ratio of two series, round by round: what else the machine does changes from round to round."""
    rounds = tuple(one / other for one, other in zip(over, under, strict=True))
    return Figure(name, "times", rounds, at_most, at_least)


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest of the values that so many percent of them do not exceed."""
    if not values:
        raise ValueError("no values")
    rank = max(1, math.ceil(len(values) * percent / 100))
    return sorted(values)[rank - 1]


def result(figures: Sequence[Figure], **more: Any) -> dict[str, Any]:
    """The JSON object of a run."""
    return {**more, "figures": {figure.name: figure.as_json() for figure in figures}}
