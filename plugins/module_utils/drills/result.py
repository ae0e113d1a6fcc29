# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a drill found: figures, whether they are as they should be, and the timeline behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .shots import Shot
from .summary import Summary, errors_by_kind, milliseconds
from .timeline import Timeline


@dataclass(frozen=True)
class Check:
    """Something that the drill is to show, and whether it did."""

    what: str
    met: bool


@dataclass
class Result:
    """`lines` are (name, text) for people, `figures` the same for programs: seconds, counts, percent.

    `drawing` is an SVG in the place of the timeline's plot.
    """

    title: str
    timeline: Timeline
    lines: list[tuple[str, str]] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    checks: list[Check] = field(default_factory=list)
    drawing: str = ""

    @property
    def met(self) -> bool:
        return all(check.met for check in self.checks)

    def duration(self, key: str, name: str, seconds: float, limit: float | None = None) -> None:
        """A time span; with `limit` it is checked as well."""
        self.figures[key] = round(seconds, 2)
        self.lines.append((name, f"{seconds:.1f} s" + (f"  (at most {limit:.0f} s)" if limit else "")))
        if limit:
            self.checks.append(Check(f"{name.removesuffix(' after')} within {limit:.0f} s", seconds <= limit))

    def requests(self, key: str, name: str, shots: Sequence[Shot], overdue: int = 0) -> None:
        """Counts and latencies of requests. `overdue` ones were due and could not be sent."""
        summary = Summary.of(shots)
        self.figures[key] = summary.as_json()
        text = f"{summary.requests}, {summary.failed} failed"
        if overdue:
            text += f", {overdue} more were due but not sent in time"
        text += f"; p50 {milliseconds(summary.p50)}, p99 {milliseconds(summary.p99)}"
        self.lines.append((name, f"{text}, longest {milliseconds(summary.longest)}"))
        for error, count in errors_by_kind(shots).items():
            self.lines.append(("", f"{count} times: {error}"))

    def none_failed(self, shots: Sequence[Shot], overdue: int = 0) -> None:
        """Every request must have been sent and answered well."""
        failed = sum(not shot.ok for shot in shots) + overdue
        self.checks.append(Check(f"no failed request of {len(shots) + overdue}", not failed))
