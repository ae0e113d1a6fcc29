"""Runs of ansible-playbook on the lab, with what they planned, wrote and printed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .audit import DELETE, WRITE, AuditLog, Write
from .cluster_api import ClusterApi, Ref

ROOT = Path(__file__).resolve().parents[3]
CALLBACKS = ROOT / "tests" / "integration" / "callbacks"
# The actions of a plan by what they do on the API server; `keep` does nothing, `wait until gone` waits for others
PLANNED = {"create": WRITE, "adopt": WRITE, "change": WRITE, "give back": WRITE, "delete": DELETE}
NOTHING = {"keep", "wait until gone"}


@dataclass
class Run:
    """A run that has ended. `releases` are the results of its release tasks, `writes` what the audit log has of it.

    `outlasted` says whether it was still at work when what happened meanwhile was over.
    """

    arguments: tuple[str, ...]
    code: int
    output: str
    seconds: float
    releases: list[dict[str, Any]] = field(default_factory=list)
    writes: set[Write] = field(default_factory=set)
    outlasted: bool = True

    @property
    def changed(self) -> int:
        """How many tasks changed something, by the recap."""
        found = re.findall(r"^\S+\s+:.*changed=(\d+)", self.output, re.MULTILINE)
        assert found, self.output[-4000:]
        return sum(map(int, found))

    def changes(self) -> list[str]:
        """The tasks that changed something."""
        tasks = re.split(r"^TASK \[", self.output, flags=re.MULTILINE)[1:]
        return [task.partition("]")[0] for task in tasks if re.search(r"^changed: ", task, re.MULTILINE)]

    def planned(self) -> set[tuple[str, str]]:
        """What its plans say will be written or deleted, as pairs with 'Kind namespace/name'."""
        pairs = set()
        for release in self.releases:
            assert "plan" in release, f"the result of '{release['task']}' has no plan"
            for step in release["plan"]:
                assert step["reason"], f"no reason for {step}"
                if step["action"] not in NOTHING:
                    pairs.add((PLANNED[step["action"]], step["object"]))
        return pairs

    def actions(self) -> dict[str, str]:
        """The planned action of each object."""
        return {step["object"]: step["action"] for release in self.releases for step in release.get("plan", [])}

    def end(self, characters: int = 4000) -> str:
        """How the output ends, for messages."""
        return f"ansible-playbook {' '.join(self.arguments)} ended with {self.code}:\n{self.output[-characters:]}"


@dataclass(frozen=True)
class Lab:
    """The lab under test: its API server, its audit log, and runs on it."""

    directory: Path
    address: str
    api: ClusterApi
    audit: AuditLog

    @classmethod
    def at(cls, directory: Path, address: str) -> Lab:
        api = ClusterApi(directory, address)
        return cls(directory, address, api, AuditLog(directory, api))

    def run(
        self, *arguments: str, env: dict[str, str] | None = None, meanwhile: Callable[[], Any] | None = None
    ) -> Run:
        """Run ansible-playbook to its end; `meanwhile` is called after its start."""
        with tempfile.TemporaryDirectory(prefix="serverless-run-") as scratch:
            since, start = datetime.now(UTC), time.monotonic()
            process = self.start(Path(scratch), *arguments, env=env)
            if meanwhile:
                meanwhile()
            outlasted = process.poll() is None
            process.wait(1200)
            seconds = time.monotonic() - start
            results = Path(scratch, "results")
            lines = results.read_text().splitlines() if results.exists() else []
            return Run(
                arguments,
                process.returncode,
                Path(scratch, "output").read_text(errors="replace"),
                seconds,
                [json.loads(line) for line in lines],
                self.audit.writes(since),
                outlasted,
            )

    def start(self, scratch: Path, *arguments: str, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start ansible-playbook in a process group of its own; its output and results go to files in `scratch`."""
        command = [
            Path(sys.executable).parent / "ansible-playbook", "-i", "inventories/lab",
            "-e", f"lab_directory={self.directory}", "-e", f"lab_address={self.address}", *arguments,
        ]  # fmt: skip
        settings = {
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "release_results",
            "RELEASE_RESULTS": str(scratch / "results"),
        }
        with open(scratch / "output", "wb") as output:
            return subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, **settings, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def kill_after(self, seconds: float, *arguments: str) -> bool:
        """Start a run and kill its whole process group after so many seconds; False when it had ended by then."""
        with tempfile.TemporaryDirectory(prefix="serverless-run-") as scratch:
            process = self.start(Path(scratch), *arguments)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(30)
                return True
            return False

    def control(self, *words: str) -> str:
        """Talk to the supervisor of the lab's processes."""
        command = [self.directory / "bin" / "lab-control", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False).stdout

    def listing(self) -> dict[Ref, dict[str, Any]]:
        """Every object of every kind, but events and leases."""
        return self.api.everything()
