# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One lab as a running thing: start it, stop it, say how it is. Its configuration is already in its folder."""

from __future__ import annotations

import datetime
import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..lab import control_groups, namespaces, residue
from .errors import LabStartError
from .health import Health
from .supervisor import ProgramState, SupervisorClient

LOCK = Path("/run/lock/selfhosted-serverless-lab.lock")
LOG_LINES = 15
KILL_SECONDS = 30
LAUNCH_SECONDS = 10
# The kernel's limits that a node with many pods runs into; raised, never lowered
INOTIFY = {"max_user_instances": 1024, "max_user_watches": 524288}


@dataclass
class Change:
    """What an action did; residue names what dead labs had left behind."""

    changed: bool = False
    residue: list[str] = field(default_factory=list)
    seconds: float = 0.0


@dataclass(frozen=True)
class Instance:
    """A lab: its folder, its name (network namespace and control groups), the URL of its API server, its node."""

    directory: Path
    name: str
    server: str
    node: str

    @property
    def init(self) -> int | None:
        """Process id of its init, or None when it does not run."""
        return namespaces.find_init(self.name)

    def programs(self) -> list[ProgramState]:
        """State of its programs; empty when it does not run or does not answer."""
        try:
            return SupervisorClient(self.directory / "run/supervisor.sock").programs() if self.init else []
        except OSError:
            return []

    def start(self, timeout: float) -> Change:
        """Start it unless it runs, after clearing what dead labs left, and wait until server and kubelet are there."""
        began = time.monotonic()
        now = datetime.datetime.now(datetime.UTC)
        change = Change()
        health = Health(self.server, self.directory / "pki")
        with _only_one():
            if self.init is None:
                change.changed = True
                change.residue = residue.clear()
                self._launch()
        self._wait("its API server to be ready", timeout, health.server_is_ready)
        if change.changed:
            self._wait("its kubelet to report", timeout, lambda: health.node_lives(self.node, now))
        change.seconds = round(time.monotonic() - began, 1)
        return change

    def stop(self, timeout: float) -> Change:
        """End its pods, then its processes in order, each with a time limit; what is left is killed and removed."""
        began = time.monotonic()
        init = self.init
        if init is not None:
            self._end_pods(timeout)
            os.kill(init, signal.SIGTERM)
            _wait_until(lambda: self.init is None, 2 * timeout)
        return self._end(began, init is not None)

    def kill(self) -> Change:
        """End it at once, for when its data is not needed any more."""
        return self._end(time.monotonic(), self.init is not None)

    def _end(self, began: float, changed: bool) -> Change:
        with _only_one():
            init = self.init
            if init is not None:
                os.kill(init, signal.SIGKILL)
                if not _wait_until(lambda: self.init is None, KILL_SECONDS):
                    raise LabStartError(f"The init of the lab, process {init}, cannot be killed")
            found = residue.clear_lab(self.name)
        return Change(changed or bool(found), found, round(time.monotonic() - began, 1))

    def _launch(self) -> None:
        _raise_inotify_limits()
        control_groups.create(self.name)
        namespaces.create(self.name)
        for name in ("init.pid", "supervisor.sock"):
            (self.directory / "run" / name).unlink(missing_ok=True)
        with (self.directory / "log/lab/launch.log").open("wb") as log:
            subprocess.Popen(
                [str(self.directory / "libexec/launch")],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait("its first process to start", LAUNCH_SECONDS, lambda: self.init is not None)

    def _wait(self, what: str, timeout: float, condition: Callable[[], bool]) -> None:
        if not _wait_until(condition, timeout):
            raise LabStartError(f"The lab in {self.directory} waited {timeout:.0f} s for {what}. {self._diagnosis()}")

    def _diagnosis(self) -> str:
        if self.init is None:
            log = self.directory / "log/lab/launch.log"
            return f"It ended at once; the last lines of {log}:\n{_tail(log)}"
        troubled = [program for program in self.programs() if program.state != "RUNNING"]
        if not troubled:
            return f"All of its programs run; their logs are in {self.directory / 'log/lab'}."
        return "\n".join(
            f"{program.name} is {program.state} {program.trouble}; the last lines of {program.log}:\n"
            f"{_tail(self.directory / 'log/lab' / Path(program.log).name)}"
            for program in troubled
        )

    def _end_pods(self, timeout: float) -> None:
        """Ask the containers to end while nothing starts them again, so that databases close their files."""
        try:
            SupervisorClient(self.directory / "run/supervisor.sock").stop("kubelet")
        except OSError:  # the supervisor does not answer; the signals below do without it
            return
        for process in control_groups.processes(self.name, "kubepods"):
            try:
                os.kill(process, signal.SIGTERM)
            except ProcessLookupError:
                continue
        _wait_until(lambda: not control_groups.processes(self.name, "kubepods"), timeout)


@contextmanager
def _only_one() -> Iterator[None]:
    """One lab at a time is started or cleared on a machine: a lab that is half started must not look dead."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _wait_until(condition: Callable[[], bool], timeout: float) -> bool:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _raise_inotify_limits() -> None:
    for name, wanted in INOTIFY.items():
        setting = Path("/proc/sys/fs/inotify") / name
        if int(setting.read_text()) < wanted:
            try:
                setting.write_text(str(wanted))
            except OSError:  # not ours to change, as in a container; few pods do without
                continue


def _tail(path: Path) -> str:
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-LOG_LINES:])
    except OSError as error:
        return f"({error.strerror})"
