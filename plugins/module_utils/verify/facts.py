# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fact about the site: whether it holds, with its figures, and where it does not the cause and the remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

# The authorizer's words (apiserver, endpoints/handlers/responsewriters/errors.go)
_FORBIDDEN = re.compile(r'is forbidden: User "[^"]*" cannot ')


@dataclass(frozen=True)
class Fact:
    """`text` is one line with the figure that was measured; `figures` are the same as plain values by name.

    A fact holds where it has no `cause`. `skipped` ones were not asked, and `text` says why. `seconds` is how long it
    took to ask.
    """

    name: str
    text: str
    figures: Mapping[str, Any] = field(default_factory=dict)
    cause: str = ""
    remedy: str = ""
    skipped: bool = False
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return not self.cause

    @property
    def state(self) -> str:
        """In one word for people."""
        return "skipped" if self.skipped else "ok" if self.ok else "FAILED"

    def as_json(self) -> dict[str, Any]:
        """Plain values, for a task's result and for files."""
        return {**asdict(self), "ok": self.ok, "figures": dict(self.figures), "seconds": round(self.seconds, 3)}

    def taking(self, seconds: float) -> Fact:
        """The same fact with how long it took."""
        return replace(self, seconds=seconds)


def holds(name: str, text: str, **figures: Any) -> Fact:
    """A fact that is as it should be."""
    return Fact(name, text, figures)


def fails(name: str, text: str, cause: str, remedy: str, **figures: Any) -> Fact:
    """A fact that is not as it should be; `text` says what was seen.

    Where the user of the context may not do what asking needs, no other remedy than more rights can help.
    """
    if _FORBIDDEN.search(cause):
        remedy = "have that allowed, as by the ClusterRole in docs/rights.md, or use a context that may"
    return Fact(name, text, figures, cause=_sentence(cause) or "no cause was found", remedy=_sentence(remedy))


def skipped(name: str, why: str) -> Fact:
    """A fact that was not asked."""
    return Fact(name, why, skipped=True)


def line(fact: Fact, width: int) -> str:
    """One line of the output; `width` is that of the longest name."""
    return f"{fact.state:7} {fact.name:{width}}  {fact.text}"


def details(fact: Fact) -> list[str]:
    """What stands below the line of a fact that does not hold."""
    return [] if fact.ok else [f"cause: {fact.cause}", f"remedy: {fact.remedy}"]


def problem(facts: Sequence[Fact]) -> str:
    """All that does not hold in one line, each with its cause and remedy; '' where all holds."""
    failed = [fact for fact in facts if not fact.ok]
    told = " | ".join(f"{fact.name}: {fact.cause}. Remedy: {fact.remedy}" for fact in failed)
    if not failed:
        return ""
    return f"{len(failed)} of {len(facts)} facts {'does' if len(failed) == 1 else 'do'} not hold: {told}"


def _sentence(text: str) -> str:
    """In one line, without a full stop at its end."""
    return " ".join(text.split()).rstrip(".")
