# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happened over the time of a drill, as data: steps, requests and events on one clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .shots import Shot


@dataclass
class Steps:
    """A quantity that changes in steps, such as a number of pods: (seconds, value), valid from that time on."""

    name: str
    points: list[tuple[float, float]] = field(default_factory=list)

    def add(self, seconds: float, value: float) -> None:
        """Note a value; one that is the same as before is no news."""
        if not self.points or self.points[-1][1] != value:
            self.points.append((seconds, value))


@dataclass(frozen=True)
class Event:
    """Something that happened at a time, in few words."""

    seconds: float
    label: str


@dataclass
class Timeline:
    """All of one drill. `steps` share one unit, `steps_label`; `shots` are the requests."""

    steps_label: str
    steps: list[Steps] = field(default_factory=list)
    shots: list[Shot] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    @property
    def end(self) -> float:
        """The last moment that anything is known of, in seconds."""
        times = [point[0] for steps in self.steps for point in steps.points]
        times += [shot.done for shot in self.shots] + [event.seconds for event in self.events]
        return max(times, default=0.0)

    def as_json(self) -> dict[str, Any]:
        """Plain values; times in seconds, rounded to a tenth of a millisecond."""
        return {
            "steps": {
                "unit": self.steps_label,
                "series": {steps.name: [[round(at, 4), value] for at, value in steps.points] for steps in self.steps},
            },
            "events": [[round(event.seconds, 4), event.label] for event in self.events],
            "requests": {
                "columns": ["scheduled", "sent", "done", "status", "error", "label"],
                "rows": [
                    [round(s.scheduled, 4), round(s.sent, 4), round(s.done, 4), s.status, s.error, s.label]
                    for s in sorted(self.shots, key=lambda shot: shot.scheduled)
                ],
            },
        }
