"""What our runs asked of the API server, by its audit log, which in the bench's lab tells of reads, too."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

AGENT = "selfhosted.serverless"
WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})
# Questions that have the form of a write, and commands in pods
QUESTIONS = frozenset({"authorization.k8s.io", "authentication.k8s.io"})
COMMANDS = frozenset({"exec", "proxy", "portforward", "attach"})
# Users and scripts alike are administrators here; what the cluster's own parts do is left out
POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata", "userGroups": ["system:masters"]}, {"level": "None"}],
}

Event = dict[str, Any]


@dataclass(frozen=True)
class Requests:
    """What a run sent: how many requests, what each write that was stored was for, and which kinds it listed how often.

    A kind is named as in `deployments.apps`.
    """

    count: int
    writes: tuple[str, ...]
    lists: Counter[str]


def policy(folder: Path) -> Path:
    """Write the audit policy into a folder."""
    path = folder / "audit-policy.json"
    path.write_text(json.dumps(POLICY))
    return path


def flags(policy_file: Path, log: Path) -> list[str]:
    """The API server's options for it; sizes in MB."""
    return [
        f"--audit-policy-file={policy_file}",
        f"--audit-log-path={log}",
        "--audit-log-maxsize=100",
        "--audit-log-maxbackup=3",
    ]


def read(folder: Path, since: datetime, until: datetime) -> Requests:
    """What we asked in a span of time, by the audit log in `folder`."""
    lines = (line for file in sorted(folder.glob("audit*.log")) for line in _lines(file, since))
    return summary(ours(lines, since, until))


def ours(lines: Iterable[str], since: datetime, until: datetime) -> Iterator[Event]:
    """Our events of a span of time, each request once: a watch is logged at its start and at its end."""
    seen: set[str] = set()
    for line in lines:
        if AGENT not in line or not line.rstrip().endswith("}"):
            continue
        event = json.loads(line)
        when = datetime.fromisoformat(event["requestReceivedTimestamp"])
        if not event.get("userAgent", "").startswith(AGENT) or not since <= when <= until:
            continue
        if event["auditID"] not in seen:
            seen.add(event["auditID"])
            yield event


def summary(events: Iterable[Event]) -> Requests:
    """Count them."""
    count, writes, lists = 0, [], Counter[str]()
    for event in events:
        count += 1
        target = event.get("objectRef") or {}
        kind = ".".join(filter(None, (target.get("resource"), target.get("apiGroup"))))
        if is_stored_write(event):
            writes.append(f"{event['verb']} {kind} {target.get('namespace', '')}/{target.get('name', '')}")
        elif event["verb"] == "list":
            lists[kind] += 1
    return Requests(count, tuple(writes), lists)


def is_stored_write(event: Event) -> bool:
    """Whether it changed what the server stores: no dry run, no refusal, no question in the form of a write."""
    target = event.get("objectRef") or {}
    if event["verb"] not in WRITES or "dryRun=" in event["requestURI"]:
        return False
    if target.get("apiGroup", "") in QUESTIONS or target.get("subresource", "") in COMMANDS:
        return False
    return 200 <= (event.get("responseStatus") or {}).get("code", 0) < 300


def _lines(file: Path, since: datetime) -> Iterator[str]:
    if file.stat().st_mtime >= since.timestamp():
        with file.open(encoding="utf-8", errors="replace") as log:
            yield from log
