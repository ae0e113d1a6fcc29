# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a run, as data: what would be done to each object and why, and what forbids the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ..deadline import Deadline
from ..objects import Document, ObjectRef

# Names of namespaces to what is in them that is not ours, in words; those without are left out. Raises KubeError.
Inhabited = Callable[[list[str], Deadline], dict[str, str]]


class Action(StrEnum):
    """What happens to one object."""

    CREATE = "create"
    ADOPT = "adopt"  # it was there before us, and becomes ours to set, not ours to delete
    CHANGE = "change"
    KEEP = "keep"  # nothing is written
    GIVE_BACK = "give back"  # our fields and labels go, the object stays
    DELETE = "delete"
    WAIT_GONE = "wait until gone"  # it is being deleted; made anew afterwards where the release wants it

    @property
    def writes(self) -> bool:
        """Whether the step changes something on the cluster."""
        return self not in (Action.KEEP, Action.WAIT_GONE)


@dataclass(frozen=True)
class Step:
    """One object's part of a plan.

    `live` is the object as found, `document` what is sent by field manager `manager` (create, adopt, change, give
    back). `before` and `after` are the fields that are ours, for --diff. `takes` names the fields that are taken from
    other field managers, each as 'manager: field'. `handed_over` holds the fields that we stop setting and that keep
    their values, see present/handover.py.
    """

    action: Action
    ref: ObjectRef
    reason: str
    live: Document | None = None
    document: Document | None = None
    manager: str = ""
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    takes: tuple[str, ...] = ()
    handed_over: Document | None = None

    def as_item(self) -> dict[str, Any]:
        """The step in a task's result."""
        item: dict[str, Any] = {"action": self.action.value, "object": str(self.ref), "reason": self.reason}
        if self.takes:
            item["takes"] = list(self.takes)
        return item

    def __str__(self) -> str:
        taken = f" (takes {', '.join(self.takes)})" if self.takes else ""
        return f"{self.action.value:<16} {self.ref}: {self.reason}{taken}"


@dataclass(frozen=True, order=True)
class Blocker:
    """One thing that forbids the run: where, what is wrong, and what to do about it."""

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}. {self.remedy}" if self.remedy else f"{self.where}: {self.what}"


@dataclass
class Plan:
    """All steps of a release's run, what forbids it, and what the user should know.

    `inhabited` looks into namespaces again, right before they are deleted.
    """

    release: str
    steps: list[Step] = field(default_factory=list)
    blockers: list[Blocker] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    inhabited: Inhabited | None = field(default=None, repr=False, compare=False)

    def add(self, other: Plan) -> None:
        """Take over all that `other`, a part of the same run, says."""
        self.steps += other.steps
        self.blockers += other.blockers
        self.warnings += other.warnings
        self.inhabited = other.inhabited or self.inhabited

    def of(self, *actions: Action) -> list[Step]:
        """The steps with one of the actions."""
        return [step for step in self.steps if step.action in actions]

    @property
    def changes(self) -> bool:
        """Whether anything would be written, or made anew after it is gone."""
        return any(step.action is not Action.KEEP for step in self.steps)

    def lines(self) -> list[str]:
        """The plan for people: what is not merely kept, in the order of the steps, and a count of what is kept."""
        kept = self.of(Action.KEEP)
        lines = [str(step) for step in self.steps if step.action is not Action.KEEP]
        told = [str(step) for step in kept if step.reason != UNCHANGED]
        return [*lines, *told, f"{len(kept) - len(told)} object(s) unchanged"]


UNCHANGED = "as it should be"


def refusal(sentence: str, *groups: Iterable[Blocker], most: int = 20) -> str:
    """One message for all that forbids a run, of each group the first `most`."""
    lines = []
    for group in groups:
        found = sorted(set(group))
        lines += [f"- {blocker}" for blocker in found[:most]]
        if len(found) > most:
            lines.append(f"- and {len(found) - most} more")
    return f"{sentence}:\n" + "\n".join(lines)
