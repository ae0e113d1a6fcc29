# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of events above the panels, in as many rows as keep them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..timeline import Event
from .scales import Linear
from .style import LETTER

GAP = 8.0  # pixels between two labels of a row
INSET = 4.0  # pixels between an event's line and its label


@dataclass(frozen=True)
class Label:
    """Text that begins (or, `before` its line, ends) at `x`, in a row counted from the panels upwards."""

    x: float
    row: int
    words: str
    before: bool


def place(events: Sequence[Event], scale: Linear) -> list[Label]:
    """Give every event the lowest row where its label meets no other."""
    rows: list[list[tuple[float, float]]] = []
    labels = []
    # from the right: then the line of an earlier event, whose label has to go higher, is left of the lower labels
    for event in sorted(events, key=lambda entry: -entry.seconds):
        x = scale(event.seconds)
        width = len(event.label) * LETTER
        before = x + INSET + width > scale.end and x - INSET - width > 0
        left = x - INSET - width if before else x + INSET
        span = (left - GAP, left + width + GAP)
        row = next(
            (number for number, taken in enumerate(rows) if all(span[1] <= a or b <= span[0] for a, b in taken)),
            len(rows),
        )
        if row == len(rows):
            rows.append([])
        # the line runs down through the lower rows
        rows[row].append((left, left + width))
        for lower in rows[:row]:
            lower.append((x - 1, x + 1))
        labels.append(Label(x - INSET if before else x + INSET, row, event.label, before))
    return labels
