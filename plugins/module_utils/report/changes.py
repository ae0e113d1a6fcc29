# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run did, or would do, to the objects of releases, kept short."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..kube.plan.plan import UNCHANGED, Action

MOST_OBJECTS = 500  # of one release that are named; the counts are of all
# The order in which counts are told, with the words for what was done
DONE = {
    Action.CREATE.value: "created",
    Action.ADOPT.value: "adopted",
    Action.CHANGE.value: "changed",
    Action.GIVE_BACK.value: "given back",
    Action.DELETE.value: "deleted",
    Action.WAIT_GONE.value: "waited for until gone",
    Action.KEEP.value: "unchanged",
}


def changes_of(release: str, version: str, plan: Sequence[Mapping[str, Any]], left: bool) -> dict[str, Any]:
    """Return {release, version, left, counts, objects, more} of a plan, as a release's result has it.

    `objects` are the steps {action, object, reason} but those of objects that are as they should be, `more` how many of
    them are not named. `left` tells that an installation of somebody else is used as it is.
    """
    told = [step for step in plan if step["action"] != Action.KEEP.value or step["reason"] != UNCHANGED]
    return {
        "release": release,
        "version": version,
        "left": left,
        "counts": dict(Counter(step["action"] for step in plan)),
        "objects": [{key: step[key] for key in ("action", "object", "reason")} for step in told[:MOST_OBJECTS]],
        "more": max(0, len(told) - MOST_OBJECTS),
    }


def together(changes: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return the counts by action of several releases."""
    counts: Counter[str] = Counter()
    for one in changes:
        counts.update(one["counts"])
    return {action: counts[action] for action in DONE if counts[action]}


def counts_text(counts: Mapping[str, int], check: bool = False) -> str:
    """Return counts for people, without what was not touched: '3 created, 1 deleted'; 'nothing changed'.

    With `check` they are what would be done.
    """
    untouched = (Action.KEEP.value, Action.WAIT_GONE.value)
    shown = {word: counts[action] for action, word in DONE.items() if counts.get(action) and action not in untouched}
    if not shown:
        return "nothing would change" if check else "nothing changed"
    words = ", ".join(f"{number} {word}" for word, number in shown.items())
    return f"would be: {words}" if check else words
