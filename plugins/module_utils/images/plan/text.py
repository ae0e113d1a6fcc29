# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan as text for people: the table, and the message about what is missing."""

from __future__ import annotations

from ..reference.reference import Reference
from ..registry.cooldown import HINT
from .plan import Plan, Row
from .remedies import remedies

_HEADINGS = ("IMAGE", "FROM", "DIGEST", "SIZE", "STATUS")
_DIGEST = len("sha256:") + 12
_PLACES = 3


def table(plan: Plan) -> list[str]:
    """Return the lines of the table image, place, digest, size, status."""
    cells = [_HEADINGS, *(_cells(row) for row in plan.rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEADINGS))]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def missing_message(plan: Plan) -> str:
    """Return what cannot be had: every image, every place asked, every reason. Empty when nothing is missing."""
    if not plan.missing:
        return ""
    lines = [f"{len(plan.missing)} of {len(plan.rows)} images cannot be had; nothing was changed."]
    for row in plan.missing:
        lines.append(f"- {row.image}, needed by {_places(row)}")
        lines += [f"    {failure}" for failure in row.failures]
    lines += remedies(failure for row in plan.missing for failure in row.failures)
    if any(row.is_limited for row in plan.missing):
        lines.append(HINT)
    return "\n".join(lines)


def size_text(count: int) -> str:
    """Return a number of bytes for people."""
    return f"{count / 1e6:.1f} MB"


def _cells(row: Row) -> tuple[str, ...]:
    if row.inspected is None:
        return (_short(row.image), "-", "-", "-", "; ".join(f"{f.rule}: {f.reason}" for f in row.failures))
    status = "found" if not row.failures else f"found, not at {', '.join(failure.rule for failure in row.failures)}"
    if row.login:
        status += ", login"
    return (_short(row.image), row.rule, row.inspected.digest[:_DIGEST], size_text(row.inspected.size), status)


def _short(image: Reference) -> str:
    return str(image)[: len(str(image)) - 52] if image.digest.startswith("sha256:") else str(image)


def _places(row: Row) -> str:
    more = len(row.where) - _PLACES
    return "; ".join(row.where[:_PLACES]) + (f" and {more} more" if more > 0 else "")
