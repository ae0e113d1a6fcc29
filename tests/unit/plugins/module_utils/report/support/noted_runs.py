"""Journals as runs of ansible-playbook leave them, written with the journal's own code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.report.document import Now, Software, build
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.journal import (
    BEGIN,
    END,
    RUN,
    Journal,
    read_journals,
)

BEGAN = 1_790_000_000.0  # seconds since 1970
ZERO = 5000.0  # the journal's clock at the begin
SOFTWARE = Software("1.0.0", "2.19.14", "3.11.2")


class Host:
    """Notes the run of one host; `step` adds one action after the other, from `start` for so many seconds."""

    def __init__(self, directory: Path, name: str = "lab", **head: Any) -> None:
        self.journal = Journal(directory, name)
        self.steps = 0
        first = {"event": RUN, "at": ZERO, "wall": BEGAN, "host": name, "play": "Make a platform", "check": False}
        self.journal.append({**first, "strategy": "linear", "directory": "", **head})

    def begin(self, start: float, name: str = "Apply it", **more: Any) -> str:
        self.steps += 1
        step = f"1-{self.steps}"
        role = more.pop("role", "istio")
        known = {"name": name, "role": role, "within": role, "action": "release", "task": name}
        self.journal.append({"event": BEGIN, "at": ZERO + start, "step": step, **known, **more})
        return step

    def end(self, step: str, end: float, outcome: str = "ok", **more: Any) -> None:
        self.journal.append({"event": END, "at": ZERO + end, "step": step, "outcome": outcome, **more})

    def step(self, start: float, seconds: float, name: str = "Apply it", outcome: str = "ok", **more: Any) -> None:
        ending = {key: more.pop(key) for key in ("error", "warnings", "waited", "notes") if key in more}
        self.end(self.begin(start, name, **more), start + seconds, outcome, **ending)


def report(directory: Path, now: float = 100.0, over: bool = True) -> dict[str, Any]:
    """The document of all journals in a folder, `now` seconds after the begin."""
    return build(read_journals(directory), SOFTWARE, Now(BEGAN + now, ZERO + now), over)


def site(**parts: Any) -> dict[str, Any]:
    """What the action site_report notes."""
    known = {
        "directory": "",
        "context": "lab",
        "cluster": {"version": "v1.36.3", "kind": "kubernetes", "nodes": 1},
        "releases": [{"name": "istio", "version": "1.30.5", "objects": 39}],
        "images": [],
        "addresses": {
            "gateway": "127.0.0.1:30080",
            "hosts": ["web.todo.example.com"],
            "at_nodes": [],
            "urls": ["http://web.todo.example.com:30080/"],
            "how": ["curl -H 'Host: web.todo.example.com' http://127.0.0.1:30080/"],
        },
        "facts": [],
        "commands": {"verify": ["ansible-playbook playbooks/verify.yml"], "remove": ["ansible-playbook remove.yml"]},
    }
    return {"site": {**known, **parts}}


def change(release: str = "istio", **counts: int) -> dict[str, Any]:
    """What a release notes of its plan: so many steps of each action."""
    names = {"given_back": "give back"}
    return {
        "release": release,
        "version": "1.30.5",
        "left": False,
        "counts": {names.get(action, action): number for action, number in counts.items()},
        "objects": [{"action": "create", "object": "Deployment istio-system/istiod", "reason": "it is not there"}],
        "more": 0,
    }


def planned(image: str, place: str, digest: str = "sha256:" + "a" * 64, size: int = 42_000_000) -> dict[str, Any]:
    """A row of an image plan."""
    found = f"{place}/{image.partition('/')[2]}"
    row = {"image": image, "delivered": image, "from": found, "rule": f"mirror {place}", "check_only": False}
    return {**row, "digest": digest, "size": size}
