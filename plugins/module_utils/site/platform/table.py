# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was found out about a cluster, as a table for people: each fact with how it is known."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from dataclasses import dataclass

WIDTH = 100  # characters of a line, those that progress puts before it included
_MARGIN, _GAP = 2, 2
_VALUE = 38  # characters that a value takes at most before it is folded
_HEAD = ("fact", "value", "how it is known")


@dataclass(frozen=True)
class Row:
    """A fact, its value, and how it is known, each a few words."""

    fact: str
    value: str
    how: str


def table(rows: Iterable[Row]) -> list[str]:
    """Return the lines of the table, none longer than 100 characters; long texts go on below in their column."""
    cells = [_HEAD, *((row.fact, row.value, row.how) for row in rows)]
    first = max(len(fact) for fact, _value, _how in cells)
    second = min(_VALUE, max(len(value) for _fact, value, _how in cells))
    widths = (first, second, WIDTH - _MARGIN - first - second - 2 * _GAP)
    lines = []
    for cell in cells:
        folded = [
            textwrap.wrap(text, width, break_on_hyphens=False) or [""] for text, width in zip(cell, widths, strict=True)
        ]
        for number in range(max(map(len, folded))):
            parts = [part[number] if number < len(part) else "" for part in folded]
            line = (" " * _GAP).join(f"{part:<{width}}" for part, width in zip(parts, widths, strict=True))
            lines.append(" " * _MARGIN + line.rstrip())
    return lines
