# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run did to a release: its plan, and per object what the server stored."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..objects import ObjectRef
from .diff import difference
from .plan import UNCHANGED, Action, Plan, Step
from .present.stored_versions import unmigrated_definitions


@dataclass
class Outcome:
    """Object references by verdict; `differences` are {before, after, ...} texts for --diff; `wait` what to wait for.

    `configured` counts adopted objects too. `kept` is what leaves the release in words only: it stays on the cluster.
    `left` tells that an installation of somebody else is used as it is. `is_calm`: all is as it was, or all is
    new, and no upgrade is under way, so that whoever goes on need not wait for it first.
    """

    plan: Plan
    created: list[ObjectRef] = field(default_factory=list)
    configured: list[ObjectRef] = field(default_factory=list)
    unchanged: list[ObjectRef] = field(default_factory=list)
    deleted: list[ObjectRef] = field(default_factory=list)
    returned: list[ObjectRef] = field(default_factory=list)
    kept: list[ObjectRef] = field(default_factory=list)
    wait: list[dict[str, Any]] = field(default_factory=list)
    differences: list[dict[str, str]] = field(default_factory=list)
    left: bool = False
    is_calm: bool = False

    @classmethod
    def of(cls, plan: Plan) -> Outcome:
        """The outcome of a plan that was, or would be, carried out to the letter."""
        outcome = cls(plan)
        for step in plan.steps:
            outcome.count(step)
        return outcome

    def count(self, step: Step) -> None:
        """Take one step that was carried out as planned into account."""
        made_anew = step.action is Action.WAIT_GONE and step.document is not None
        verdicts = {
            Action.CREATE: self.created,
            Action.ADOPT: self.configured,
            Action.CHANGE: self.configured,
            Action.DELETE: self.deleted,
            Action.GIVE_BACK: self.returned,
            Action.KEEP: self.unchanged if step.reason == UNCHANGED else self.kept,
        }
        if made_anew:
            self.created.append(step.ref)
        elif step.action in verdicts:
            verdicts[step.action].append(step.ref)
        if step.action.writes:
            self.differences.append(difference(step.ref, step.before, step.after))

    @property
    def warnings(self) -> list[str]:
        return self.plan.warnings

    @property
    def changed(self) -> bool:
        return bool(self.created or self.configured or self.deleted or self.returned)

    def as_result(self) -> dict[str, Any]:
        """The part of a task's result that describes the objects."""
        verdicts = ("created", "configured", "unchanged", "deleted", "returned", "kept")
        result: dict[str, Any] = {name: _texts(getattr(self, name)) for name in verdicts}
        plan = [step.as_item() for step in self.plan.steps]
        return {
            "changed": self.changed,
            "left": self.left,
            "calm": self.is_calm,
            "wait": self.wait,
            "unmigrated": [] if self.left else unmigrated_definitions(self.plan.steps),
            "plan": plan,
            **result,
        }


def _texts(refs: Iterable[ObjectRef]) -> list[str]:
    # A namespace may be given back for more than one field manager of ours.
    return sorted({str(ref) for ref in refs})
