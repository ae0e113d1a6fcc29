# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which version of user answers: counts of many requests at one split, and all splits as one result."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from .catalogue import DRILLS
from .load import Plan
from .result import Check, Result
from .settings import Settings
from .shots import Shot
from .stage import Stage
from .timeline import Event, Steps, Timeline

PATH = "/api/user"
WORKERS = 4
SECONDS = 180.0
# Percent points to either side: of 400 requests at 50 % that is 3.2 standard deviations. A share of 0 or 100 is exact.
TOLERANCE = 8.0


@dataclass(frozen=True)
class Count:
    """One split: percent `wanted` of each version, and the requests; times are seconds since `started` (epoch)."""

    wanted: dict[str, int]
    started: float
    shots: list[Shot]

    def as_json(self) -> dict[str, Any]:
        """Plain values, for a task's result."""
        rows = [[s.scheduled, s.sent, s.done, s.status, s.error, s.label] for s in self.shots]
        return {"wanted": self.wanted, "started": self.started, "answers": dict(self.answers), "shots": rows}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Count:
        """The reverse."""
        return cls(values["wanted"], values["started"], [Shot(*row) for row in values["shots"]])

    @property
    def answers(self) -> Counter[str]:
        """How many answers came from each version."""
        return Counter(shot.label for shot in self.shots if shot.ok)

    def share(self, version: str) -> float:
        """Percent of the answers that came from a version; 0 without any."""
        total = sum(self.answers.values())
        return 100 * self.answers[version] / total if total else 0.0

    @property
    def met(self) -> bool:
        """Whether every version has its share."""
        return all(
            abs(self.share(version) - percent) <= (TOLERANCE if 0 < percent < 100 else 0)
            for version, percent in self.wanted.items()
        )


def count(stage: Stage, settings: Settings, wanted: dict[str, int]) -> Count:
    """Make the requests of one split, which is in force already."""
    load = stage.load(Plan(PATH, WORKERS, SECONDS, settings.requests, label="version", timeout=60.0))
    with load:
        stage.until(f"answers at {_split(wanted)}", lambda: len(load.shots) >= settings.requests, SECONDS)
    found = Count(wanted, stage.started.timestamp(), load.shots)
    stage.tell(f"at {_split(wanted)}: " + ", ".join(f"{v} {n}" for v, n in sorted(found.answers.items())))
    return found


def summarize(counts: list[Count], variant: str) -> Result:
    """All splits on one clock, which begins with the first."""
    zero = counts[0].started
    shots: list[Shot] = []
    events = []
    steps = {version: Steps(version) for version in sorted(counts[0].wanted)}
    for found in counts:
        moved = [_moved(shot, found.started - zero) for shot in found.shots]
        shots += moved
        begin = min(shot.scheduled for shot in moved)
        events.append(Event(begin, _split(found.wanted)))
        for version, series in steps.items():
            series.add(begin, found.share(version))
    result = Result(
        f"traffic ({variant}): {DRILLS['traffic'].title}",
        Timeline("% of answers", list(steps.values()), shots, events),
    )
    for found in counts:
        parts = [
            f"{version} {found.answers[version]} ({found.share(version):.1f} %)" for version in sorted(found.wanted)
        ]
        result.lines.append((f"at {_split(found.wanted)}", ", ".join(parts)))
        result.checks.append(
            Check(f"{_split(found.wanted)} within {TOLERANCE:g} points of {len(found.shots)}", found.met)
        )
    result.figures["splits"] = [{"wanted": found.wanted, "answers": dict(found.answers)} for found in counts]
    result.requests("requests", "requests", shots)
    result.none_failed(shots)
    return result


def _split(wanted: dict[str, int]) -> str:
    return "/".join(str(wanted[version]) for version in sorted(wanted))


def _moved(shot: Shot, seconds: float) -> Shot:
    return Shot(shot.scheduled + seconds, shot.sent + seconds, shot.done + seconds, shot.status, shot.error, shot.label)
