# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of a report in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def size(count: int | None) -> str:
    """Return a number of bytes for people, '' where it is not known."""
    if count is None:
        return ""
    return f"{count / 1e6:.1f} MB" if count < 1e9 else f"{count / 1e9:.2f} GB"


def share(part: float, whole: float) -> str:
    """Return a part in percent of the whole."""
    return f"{100 * part / whole:.0f} %" if whole > 0 else "0 %"


def moment(time: str) -> str:
    """Return a time of the document for people: '2026-09-21 14:13:20 UTC'."""
    return f"{time[:19].replace('T', ' ')} UTC"


def named_figures(figures: Mapping[str, Any]) -> str:
    """Return figures for people, without what is empty: 'ready 2; missing one, two; at a 3, b 4'."""
    named = {name.replace("_", " "): _value(value) for name, value in figures.items()}
    return "; ".join(f"{name} {value}" for name, value in named.items() if value)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {one}" for name, one in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value))
    return str(value)
