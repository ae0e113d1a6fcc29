# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two panels of a plot on one time axis: what changes in steps above, latencies below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..shots import Shot
from ..summary import percentile
from ..timeline import Steps, Timeline
from .document import Document, number
from .scales import Linear, Logarithmic, count_ticks, decades, duration
from .style import SERIES

MEDIANS = 90  # how many medians a full width holds, at the most
FEW = 300  # requests; up to so many, points are drawn larger
FEWEST_FOR_MEDIAN = 60  # requests; below that the points say it all
CROSS = 4.0  # half the size of a failure's mark, in pixels


@dataclass(frozen=True)
class Frame:
    """A panel's place: pixels from `top` to `bottom`; `time` is the scale that both panels share."""

    top: float
    bottom: float
    time: Linear


def draw_steps(paper: Document, frame: Frame, timeline: Timeline) -> None:
    """The upper panel: each series as a step line; a series named '… present' is dotted, in its partner's colour."""
    highest = max((value for steps in timeline.steps for _at, value in steps.points), default=1.0)
    ticks = count_ticks(highest)
    # a little air, so that a line at 0 or at the top is seen whole
    scale = Linear(0, ticks[-1] * 1.04, frame.bottom - 3, frame.top)
    for tick in ticks:
        paper.line("grid", frame.time.start, scale(tick), frame.time.end, scale(tick))
        paper.text("", frame.time.start - 8, scale(tick) + 4, f"{tick:g}", "end")
    paper.text("faint", 16, (frame.top + frame.bottom) / 2, timeline.steps_label, "middle", turned=True)
    for steps, css in zip(timeline.steps, series_styles(timeline.steps), strict=True):
        paper.path(css, _step_path(steps, frame.time, scale, timeline.end))


def draw_latencies(paper: Document, frame: Frame, shots: Sequence[Shot]) -> None:
    """The lower panel: every answer as a point, medians as a line, failures as crosses; logarithmic."""
    times = [max(shot.latency, 1e-5) for shot in shots] or [0.001, 1.0]
    marks = decades(min(times), max(times))
    scale = Logarithmic(marks[0], marks[-1], frame.bottom, frame.top)
    for mark in marks[:-1]:
        for factor in range(2, 10):
            paper.line("fine", frame.time.start, scale(mark * factor), frame.time.end, scale(mark * factor))
    for mark in marks:
        paper.line("grid", frame.time.start, scale(mark), frame.time.end, scale(mark))
        paper.text("", frame.time.start - 8, scale(mark) + 4, duration(mark), "end")
    paper.text("faint", 16, (frame.top + frame.bottom) / 2, "latency", "middle", turned=True)
    places = {
        (round(frame.time(shot.scheduled), 1), round(scale(max(shot.latency, 1e-5)), 1)): shot.ok for shot in shots
    }
    css = "dots few" if len(shots) <= FEW else "dots"
    paper.path(css, (f"M{number(x)} {number(y)}h0" for (x, y), ok in sorted(places.items()) if ok))
    paper.path("median", _median_path(shots, frame.time, scale))
    paper.path("bad", (_cross(x, y) for (x, y), ok in sorted(places.items()) if not ok))


def series_styles(series: Sequence[Steps]) -> list[str]:
    """CSS classes of each series; the one that follows 'x ready' as 'x present' is its dotted companion."""
    styles, colours = [], 0
    for index, steps in enumerate(series):
        companion = index > 0 and steps.name.endswith(" present")
        if not companion:
            colours += 1
        styles.append(f"{'present' if companion else 'steps'} s{(colours - 1) % SERIES}")
    return styles


def _step_path(steps: Steps, time: Linear, scale: Linear, end: float) -> list[str]:
    commands = []
    for index, (seconds, value) in enumerate(steps.points):
        x, y = number(time(seconds)), number(scale(value))
        commands.append(f"M{x} {y}" if index == 0 else f"H{x}V{y}")
    return [*commands, f"H{number(time(end))}"] if commands else []


def _median_path(shots: Sequence[Shot], time: Linear, scale: Logarithmic) -> list[str]:
    """One median for each stretch of time; a stretch without an answer breaks the line."""
    good = [shot for shot in shots if shot.ok]
    if len(good) < FEWEST_FOR_MEDIAN:
        return []
    stretch = max(1.0, (time.high - time.low) / MEDIANS)
    groups: dict[int, list[float]] = {}
    for shot in good:
        groups.setdefault(int(shot.scheduled / stretch), []).append(shot.latency)
    commands = []
    for group, latencies in sorted(groups.items()):
        pen = "L" if group - 1 in groups else "M"
        x, y = time((group + 0.5) * stretch), scale(percentile(latencies, 50))
        commands.append(f"{pen}{number(x)} {number(y)}")
    return commands


def _cross(x: float, y: float) -> str:
    size = number(2 * CROSS)
    left, top, bottom = number(x - CROSS), number(y - CROSS), number(y + CROSS)
    return f"M{left} {top}l{size} {size}M{left} {bottom}l{size} -{size}"
