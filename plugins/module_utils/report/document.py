# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a run as one document of plain values; docs/report.schema.json has its form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from .changes import together
from .clean import clean
from .critical_path import critical_path, spans_of
from .images import image_rows
from .journal import PLAY, Record
from .steps import Outcome, Step, steps_of, waited_seconds

FORM = 1  # of the document; a program that reads it can tell what it is
COMPLETE, FAILED, STOPPED, RUNNING = "complete", "failed", "stopped", "running"
_WORST_FIRST = (FAILED, STOPPED, RUNNING, COMPLETE)
# What actions note of themselves, by the part of the document that it goes to
CLUSTER, RELEASE_SET, CHANGES, IMAGES, SITE, PLATFORM = (
    "cluster",
    "release_set",
    "changes",
    "images",
    "site",
    "platform",
)
REPORT_ACTION = "site_report"
_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Software:
    """Versions of what made the run; '' for what is not known."""

    collection: str
    ansible_core: str
    python: str


@dataclass(frozen=True)
class Now:
    """A moment by both clocks: seconds since 1970, and the journal's."""

    wall: float
    at: float


def build(journals: Sequence[Sequence[Record]], software: Software, now: Now, over: bool) -> dict[str, Any]:
    """Return the report of the journals of a run, of one host or of several; there must be one.

    `over` tells that the run has ended; before, what has begun is said to go on. Nothing in it is a credential.
    """
    heads = [records[0] for records in journals]
    plays = [record for records in journals for record in records if record["event"] == PLAY]
    reported = [play for play in plays if play.get("directory")] or plays
    first = min(heads, key=lambda head: head["at"])
    zero = first["at"]
    hosts = [steps_of(records, zero, now.at, over) for records in journals]
    contexts = [_context(head, steps, over) for head, steps in zip(heads, hosts, strict=True)]
    seconds = max((step.end for steps in hosts for step in steps), default=0.0)
    lockstep = str(first.get("strategy", "")).rpartition(".")[2] == "linear"
    path = critical_path(spans_of(hosts, lockstep))
    document = {
        "form": FORM,
        "run": {
            "outcome": min((context["outcome"] for context in contexts), key=_WORST_FIRST.index),
            "check": any(play.get("check") for play in plays),
            "play": str(reported[-1].get("play") or ""),
            "started": _time(first["wall"]),
            "ended": _time(first["wall"] + seconds) if over else None,
            "written": _time(now.wall),
            "seconds": _rounded(seconds),
            "software": asdict(software),
            "critical_path": [
                {
                    "step": link.name,
                    "start": _rounded(link.start),
                    "end": _rounded(link.end),
                    "alone": _rounded(link.alone),
                    "idle": _rounded(link.idle),
                }
                for link in path
            ],
        },
        "contexts": contexts,
    }
    return clean(document)


def _context(head: Record, steps: Sequence[Step], over: bool) -> dict[str, Any]:
    site = _last(steps, SITE)
    changes = [{"step": step.key, **one} for step in steps for one in step.notes.get(CHANGES, [])]
    return {
        "host": str(head["host"]),
        "context": str(site.get("context") or next((s.notes["context"] for s in steps if s.notes.get("context")), "")),
        "outcome": _outcome(steps, over),
        "stopped": _stopped(steps, over),
        "cluster": site.get(CLUSTER) or _last(steps, CLUSTER) or None,
        "platform": [dict(row) for row in _last(steps, PLATFORM).get("rows", [])],
        "release_set": _last(steps, RELEASE_SET) or None,
        "releases": site.get("releases", []),
        "counts": together(changes),
        "changes": changes,
        "waited": _rounded(waited_seconds(steps)),
        "steps": [_step(step) for step in steps],
        "addresses": site.get("addresses") or {"gateway": "", "hosts": [], "at_nodes": [], "urls": [], "how": []},
        "images": image_rows(site.get(IMAGES, []), _last(steps, IMAGES).get("rows", [])),
        "verification": [_fact(fact) for fact in site.get("facts", [])],
        "warnings": _warnings(steps),
        "commands": site.get("commands") or {"verify": [], "remove": []},
    }


def _outcome(steps: Sequence[Step], over: bool) -> str:
    """Return how the run ended on a host: complete is what has come to its report, if nothing failed after that."""
    reported = max((number for number, step in enumerate(steps) if _is_report(step)), default=-1)
    after = steps[reported + 1 :]
    if any(step.outcome is Outcome.FAILED for step in after):
        return FAILED
    if any(step.outcome is Outcome.INTERRUPTED for step in after):
        return STOPPED
    if reported >= 0:
        return COMPLETE
    return STOPPED if over else RUNNING


def _is_report(step: Step) -> bool:
    """Return whether a step has told what stands; of one with no_log nothing but that is known."""
    return SITE in step.notes or (step.action == REPORT_ACTION and step.outcome is Outcome.OK)


def _stopped(steps: Sequence[Step], over: bool) -> dict[str, Any] | None:
    """Return where the run stopped on a host, None where it did not: a failed or interrupted step, else the last."""
    outcome = _outcome(steps, over)
    if outcome not in (FAILED, STOPPED) or not steps:
        return None
    wanted = Outcome.FAILED if outcome == FAILED else Outcome.INTERRUPTED
    step = next((step for step in reversed(steps) if step.outcome is wanted), None)
    if step is None:
        last = steps[-1]
        why = (
            "The run ended after this step, before its report. No step of this collection failed, so a task of another "
            "kind did, or the run was interrupted; what ansible-playbook printed says which."
        )
        return {"step": last.key, "name": last.name, "role": last.role, "at": _rounded(last.end), "why": why}
    why = step.error or "The run was interrupted in this step."
    return {"step": step.key, "name": step.name, "role": step.role, "at": _rounded(step.end), "why": why}


def _step(step: Step) -> dict[str, Any]:
    return {
        "step": step.key,
        "name": step.name,
        "role": step.role,
        "within": step.within,
        "action": step.action,
        "start": _rounded(step.start),
        "end": _rounded(step.end),
        "waited": _rounded(step.waited),
        "outcome": step.outcome.value,
        "error": step.error,
    }


def _fact(fact: Mapping[str, Any]) -> dict[str, Any]:
    """Return one fact of a verification in the form of the document; `ok` is None for what was not asked."""
    ok = fact.get("ok")
    figures = fact.get("figures")
    return {
        **{key: str(fact.get(key) or "") for key in ("name", "text", "cause", "remedy")},
        "ok": ok if isinstance(ok, bool) else None,
        "figures": dict(figures) if isinstance(figures, Mapping) else {},
    }


def _warnings(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Return each warning once, with the step that gave it first, and how often it was given."""
    found: dict[str, dict[str, Any]] = {}
    for step in steps:
        for warned in step.warnings:
            new = {"text": warned.text, "remedy": warned.remedy, "step": step.key, "times": 0}
            found.setdefault(warned.text, new)["times"] += 1
    return list(found.values())


def _last(steps: Sequence[Step], part: str) -> Mapping[str, Any]:
    return next((step.notes[part] for step in reversed(steps) if step.notes.get(part)), _NOTHING)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _rounded(seconds: float) -> float:
    return round(seconds, 3)
