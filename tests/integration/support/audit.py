"""What was written on the cluster by us, as the API server's audit log tells it (the lab's option lab_audit)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from .cluster_api import ClusterApi, Ref

AGENT = "selfhosted.serverless"
WRITE, DELETE = "write", "delete"
CLASSES = {"create": WRITE, "update": WRITE, "patch": WRITE, "delete": DELETE, "deletecollection": DELETE}
# Questions that have the form of a write, and commands in pods
QUESTIONS = {"authorization.k8s.io", "authentication.k8s.io"}
COMMANDS = {"exec", "proxy", "portforward", "attach"}

Write = tuple[str, Ref]


def is_bookkeeping(ref: Ref) -> bool:
    """Whether an object is the engine's own: the record of a release, the lease of a run."""
    if ref.namespace != "kube-system":
        return False
    return ref.kind == "Lease" or (ref.kind == "ConfigMap" and ref.name.startswith("release-"))


class AuditLog:
    """The log of the lab in `directory`; kinds are named as `api` has seen them served."""

    def __init__(self, directory: Path, api: ClusterApi) -> None:
        self._folder = directory / "log" / "audit"
        self._api = api
        if not (self._folder / "audit.log").exists():
            pytest.fail(f"no audit log in {self._folder}; start the lab with -e lab_audit=true")

    def writes(self, since: datetime, until: datetime | None = None) -> set[Write]:
        """What we wrote or deleted with success in a span of time, dry runs and bookkeeping left out."""
        refs = ((CLASSES[event["verb"]], self._ref(event)) for event in self.events(since, until) if _stored(event))
        return {(what, ref) for what, ref in refs if not is_bookkeeping(ref)}

    def await_writes(self, count: int, seconds: float) -> None:
        """Wait until the log has so many more writes of ours. Fails the test when they do not come."""
        file = self._folder / "audit.log"
        limit = time.monotonic() + seconds
        with open(file, encoding="utf-8") as log:
            log.seek(0, 2)
            while count and time.monotonic() < limit:
                line = log.readline()
                if not line:
                    time.sleep(0.02)
                elif AGENT in line and line.endswith("}\n") and _stored(json.loads(line)):
                    count -= 1
        if count:
            pytest.fail(f"{count} writes too few within {seconds} s")

    def events(self, since: datetime, until: datetime | None = None) -> Iterator[dict[str, Any]]:
        """Our events of a span of time, dry runs included."""
        for file in sorted(self._folder.glob("audit*.log")):
            if file.stat().st_mtime < since.timestamp():
                continue
            for line in file.read_text(errors="replace").splitlines():
                if AGENT not in line or not line.endswith("}"):
                    continue
                event = json.loads(line)
                when = datetime.fromisoformat(event["requestReceivedTimestamp"])
                if event.get("userAgent", "").startswith(AGENT) and since <= when <= (until or datetime.now(UTC)):
                    yield event

    def _ref(self, event: dict[str, Any]) -> Ref:
        target = event["objectRef"]
        group, plural = target.get("apiGroup", ""), target["resource"]
        if (group, plural) not in self._api.seen:
            self._api.resources()
        known = self._api.seen.get((group, plural))
        namespace = "" if plural == "namespaces" and not group else target.get("namespace", "")
        return Ref(group, known.kind if known else plural, namespace, target.get("name", ""))


def _stored(event: dict[str, Any]) -> bool:
    target = event.get("objectRef") or {}
    if event["verb"] not in CLASSES or event["stage"] != "ResponseComplete":
        return False
    if target.get("apiGroup", "") in QUESTIONS or target.get("subresource", "") in COMMANDS:
        return False
    dry = "dryRun=" in event["requestURI"] or (event.get("requestObject") or {}).get("dryRun")
    return not dry and 200 <= (event.get("responseStatus") or {}).get("code", 0) < 300
