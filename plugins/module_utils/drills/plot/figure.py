# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plot of a drill: replicas (or shares) and latency over one time axis, with its events."""

from __future__ import annotations

from ..timeline import Timeline
from .document import Document
from .events import place
from .panels import Frame, draw_latencies, draw_steps, series_styles
from .scales import Linear, time_ticks
from .style import LETTER

WIDTH, LEFT, RIGHT = 920.0, 84.0, 20.0
TITLE, ROW = 30.0, 17.0  # heights in pixels: of the title, of one row of text
UPPER, GAP, LOWER, FOOT = 130.0, 22.0, 210.0, 64.0


def figure(timeline: Timeline, title: str, description: str) -> str:
    """The SVG document as text. `description` is read to those who do not see it."""
    time = Linear(0.0, max(1.0, timeline.end), LEFT, WIDTH - RIGHT)
    labels = place(timeline.events, time)
    rows = max((label.row for label in labels), default=-1) + 1
    top = TITLE + rows * ROW + 8
    upper = Frame(top, top + UPPER, time)
    lower = Frame(upper.bottom + GAP, upper.bottom + GAP + LOWER, time)
    paper = Document(WIDTH, lower.bottom + FOOT, title, description)
    paper.text("title", LEFT, 20, title)
    for tick in time_ticks(time.high):
        for frame in (upper, lower):
            paper.line("grid", time(tick), frame.top, time(tick), frame.bottom)
        paper.text("", time(tick), lower.bottom + 16, str(tick), "middle")
    paper.text("faint", (LEFT + WIDTH - RIGHT) / 2, lower.bottom + 34, "seconds since the start of the drill", "middle")
    draw_steps(paper, upper, timeline)
    draw_latencies(paper, lower, timeline.shots)
    for frame in (upper, lower):
        paper.line("axis", LEFT, frame.bottom, WIDTH - RIGHT, frame.bottom)
    for label in labels:
        base = upper.top - 8 - label.row * ROW
        x = label.x + 4 if label.before else label.x - 4
        paper.line("event", x, base - 10, x, lower.bottom)
        paper.text("", label.x, base, label.words, "end" if label.before else "start")
    _legend(paper, timeline, lower.bottom + 54)
    return str(paper)


def _legend(paper: Document, timeline: Timeline, y: float) -> None:
    entries = [(css, steps.name) for steps, css in zip(timeline.steps, series_styles(timeline.steps), strict=True)]
    answered = sum(shot.ok for shot in timeline.shots)
    entries.append(("dots", f"answer ({answered})"))
    entries.append(("median", "median"))
    entries.append(("bad", f"failed ({len(timeline.shots) - answered})"))
    x = LEFT
    for css, words in entries:
        if css == "dots":
            paper.path(css, [f"M{x + 4} {y - 4}h0M{x + 12} {y - 7}h0M{x + 18} {y - 3}h0"])
        elif css == "bad":
            paper.path(css, [f"M{x + 7} {y - 8}l8 8M{x + 7} {y}l8 -8"])
        else:
            paper.line(css, x, y - 4, x + 22, y - 4)
        paper.text("", x + 28, y, words)
        x += 28 + len(words) * LETTER + 20
