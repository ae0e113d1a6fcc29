# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run has done to one context, in one line for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from ..durations import duration
from .changes import counts_text, together
from .document import CHANGES
from .steps import Step, waited_seconds


def told(steps: Sequence[Step], check: bool) -> str:
    """Return what became of objects, how long it took, and how many warnings there were; '' for no steps."""
    if not steps:
        return ""
    counts = together(change for step in steps for change in step.notes.get(CHANGES, []))
    text = f"{counts_text(counts, check)} in {duration(max(step.end for step in steps))}"
    waited = waited_seconds(steps)
    if waited >= 1:
        text += f", {duration(waited)} of it waiting for the cluster"
    warnings = len({warned.text for step in steps for warned in step.warnings})
    if warnings:
        text += f"; {warnings} warning" + ("" if warnings == 1 else "s")
    return text
