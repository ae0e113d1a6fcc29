# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of a run: bars over time, one row below the other. Drawn twice, for wide and for narrow pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from ..drills.plot.document import Document
from ..drills.plot.scales import Linear, time_ticks
from ..drills.plot.style import LETTER
from .rows import Row

_THINNEST = 1.5  # pixels of a bar, so that the shortest step is seen


@dataclass(frozen=True)
class Layout:
    """Pixels: of the picture, where bars begin and end, of a row, of a bar. `above`: labels stand above their bars."""

    width: float
    left: float
    right: float
    row: float
    thickness: float
    above: bool


WIDE = Layout(width=920, left=300, right=840, row=21, thickness=11, above=False)
NARROW = Layout(width=328, left=0, right=250, row=36, thickness=11, above=True)
_FOOT = 40.0
_INSET = 14.0  # pixels by which an inner row's label stands in


def gantt(rows: Sequence[Row], seconds: float, layout: Layout, name: str, title: str) -> ElementTree.Element:
    """Return the picture of `seconds` of time as an element of a page; its ids begin with `name`."""
    time = Linear(0.0, max(1.0, seconds), layout.left, layout.right)
    bottom = len(rows) * layout.row
    paper = Document(layout.width, bottom + _FOOT, title, _description(rows), name, "")
    ticks = time_ticks(time.high)
    shown = ticks if layout.right - layout.left > 400 else ticks[::2]
    for tick in ticks:
        paper.line("grid", time(tick), 0, time(tick), bottom)
    for tick in shown:
        paper.text("", time(tick), bottom + 15, str(tick), "start" if layout.above and not tick else "middle")
    paper.text("faint", (layout.left + layout.right) / 2, bottom + 33, "seconds since the start of the run", "middle")
    for number, row in enumerate(rows):
        _draw(paper, row, number * layout.row, time, layout)
    paper.line("axis", layout.left, bottom, layout.right, bottom)
    return paper.root


def picture(parent: ElementTree.Element, rows: Sequence[Row], seconds: float, name: str) -> None:
    """Add the picture to a page, once for wide pages and once for narrow ones; its style shows one of them."""
    for layout, css in ((WIDE, "wide"), (NARROW, "narrow")):
        holder = ElementTree.SubElement(parent, "div", {"class": css})
        holder.append(gantt(rows, seconds, layout, f"{name}-{css}-", "The run over time"))


def _draw(paper: Document, row: Row, top: float, time: Linear, layout: Layout) -> None:
    indent = _INSET if row.inner else 0.0
    css = "inner" if row.inner else "part"
    place = top + (layout.row - layout.thickness) / 2 if not layout.above else top + layout.row - layout.thickness - 4
    base = place + layout.thickness - 1.5 if not layout.above else top + 15
    room = (layout.width if layout.above else layout.left - 8) - indent
    paper.text(css, indent, base, fitting(row.label, room))
    for shown in row.bars:
        start, end = time(shown.start), time(shown.end)
        width = max(_THINNEST, end - start)
        left = min(start, layout.right - width)
        element = paper.add("rect", shown.css, x=left, y=place, width=width, height=layout.thickness)
        ElementTree.SubElement(element, "title").text = shown.words
    paper.text(css, layout.right + 6, place + layout.thickness - 1.5, row.words)


def fitting(words: str, pixels: float) -> str:
    """Return words that about fit into so many pixels; what is left out is shown by an ellipsis."""
    most = max(1, int(pixels / LETTER))
    return words if len(words) <= most else words[: most - 1].rstrip() + "\u2026"


def _description(rows: Sequence[Row]) -> str:
    return "; ".join(f"{row.label}: {row.words}" for row in rows if not row.inner)
