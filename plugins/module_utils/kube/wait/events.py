# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster's Events as evidence: read with distrust of their two forms, newest first. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MOST_WORDS = 1200  # characters of an event's message; the API server lets 1024 pass


@dataclass(frozen=True)
class Event:
    """`last` is when it was seen last (RFC 3339, UTC, whole seconds: comparable as text); `field` the part it is of."""

    reason: str
    message: str
    last: str
    warning: bool
    field: str = ""

    @property
    def container(self) -> str:
        """The container it is about (`spec.containers{name}`), or ""."""
        return self.field.partition("{")[2].rstrip("}")


def by_uid(items: list[Any]) -> dict[str, list[Event]]:
    """Events by the uid of the object they are about, the newest first. Reads events.k8s.io's series as well."""
    found: dict[str, list[Event]] = {}
    for item in reversed(items):  # they are listed by age: of two in one second the later one counts as newer
        about = item.get("involvedObject") or item.get("regarding") or {}
        if about.get("uid"):
            found.setdefault(about["uid"], []).append(_read(item, about))
    for events in found.values():
        events.sort(key=lambda event: event.last, reverse=True)
    return found


def newest(events: list[Event], *reasons: str) -> Event | None:
    """The newest event with one of the reasons."""
    return next((event for event in events if event.reason in reasons), None)


def _read(item: dict[str, Any], about: dict[str, Any]) -> Event:
    series = item.get("series") or {}
    times = (
        series.get("lastObservedTime"),
        item.get("lastTimestamp"),
        item.get("eventTime"),
        item.get("firstTimestamp"),
        (item.get("metadata") or {}).get("creationTimestamp"),
    )
    last = next((str(time) for time in times if time), "")[:19]
    message = str(item.get("message") or item.get("note") or "")[:MOST_WORDS]
    return Event(str(item.get("reason") or ""), message, last, item.get("type") != "Normal", about.get("fieldPath", ""))
