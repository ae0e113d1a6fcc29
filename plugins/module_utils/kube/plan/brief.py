# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A long plan in few lines: how many objects of each kind, and by name only what touches others."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable

from .plan import UNCHANGED, Action, Plan

MOST_NAMED = 10  # steps of a plan; one that has no more is told in whole
_WIDTH = 118
_WORDS = {Action.WAIT_GONE: "wait until gone:"}


def brief(plan: Plan) -> list[str]:
    """Return the lines of a plan, objects that nobody else has to do with counted by kind.

    Such as 'would create 12 Deployments, 1 Namespace'. Named are fields taken from others, and what stays on the
    cluster though it leaves the release.
    """
    done = [step for step in plan.steps if step.action is not Action.KEEP]
    if len(done) <= MOST_NAMED:
        return plan.lines()
    lines = []
    for action in Action:
        kinds = [step.ref.kind for step in done if step.action is action and not step.takes]
        if kinds:
            told = f"would {_WORDS.get(action, action.value)} {counted(kinds)}"
            lines += textwrap.wrap(told, _WIDTH, subsequent_indent="  ", break_on_hyphens=False)
    kept = plan.of(Action.KEEP)
    named = [str(step) for step in done if step.takes]
    named += [str(step) for step in kept if step.reason != UNCHANGED]
    unchanged = sum(step.reason == UNCHANGED for step in kept)
    return [*lines, *named, f"{unchanged} object(s) unchanged; --diff or -v names each"]


def counted(kinds: Iterable[str]) -> str:
    """Return '12 Deployments, 2 NetworkPolicies, 1 Namespace', the most frequent first."""
    return ", ".join(f"{number} {_several(kind, number)}" for kind, number in Counter(kinds).most_common())


def _several(kind: str, number: int) -> str:
    """Return a kind as a noun of the number; those that end as Endpoints does are plural already."""
    if number == 1 or kind.endswith("ts"):
        return kind
    if kind.endswith("y") and kind[-2] not in "aeiou":
        return f"{kind[:-1]}ies"
    return f"{kind}es" if kind.endswith("s") else f"{kind}s"
