# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run at a time on a cluster: a Lease says who is at work.

The holder is a run of ansible-playbook, not a task: its tasks renew the lease, and between two of them it stays. A run
that has died is taken over from at once by one on the same machine, by others when the lease has run out. That is
judged by the API server's clock alone, as those of two machines may differ by more than the lease lasts. Source:
coordination.k8s.io/v1, as client-go's leader election uses it.
"""

from __future__ import annotations

import getpass
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..client.cluster import Cluster
from ..client.transport import told_time
from ..deadline import Deadline
from ..errors import ApiError, KubeError, ReleaseError
from ..objects import Document

NAME = "selfhosted-serverless"
API_VERSION, KIND = "coordination.k8s.io/v1", "Lease"
MANAGER = "selfhosted.serverless-lease"
SECONDS = 60  # without a renewal the lease is free
RENEW_EVERY = 15.0
LOOK_EVERY = 1.0
TELL_EVERY = 5.0
BOOT = Path("/proc/sys/kernel/random/boot_id")
CLOCK_SECONDS = 5.0  # patience with the server when it is asked for the time


@dataclass(frozen=True)
class Holder:
    """A run: who, on which machine, the process of ansible-playbook and when that began: clock ticks after boot, and
    behind an @ the process namespace in which the number counts."""

    user: str
    host: str
    pid: int
    started: str

    @classmethod
    def of_process(cls, pid: int) -> Holder:
        """The run of a process on this machine."""
        try:
            user = getpass.getuser()
        except (KeyError, OSError):
            user = str(os.getuid())
        return cls(user, socket.gethostname(), pid, _start_of(pid))

    @classmethod
    def parse(cls, identity: str) -> Holder | None:
        """The reverse of str(); None for an identity of another form."""
        words = identity.split(" ")
        if len(words) != 5 or words[2] != "pid" or not words[3].isdigit():
            return None
        return cls(words[0], words[1], int(words[3]), words[4])

    @property
    def is_dead(self) -> bool:
        """True when it ran on this machine and its process has ended."""
        # A container with the host's network has the host's name, and numbers of its own.
        if self.host != socket.gethostname() or self.started.rpartition("@")[2] != _process_namespace():
            return False
        present = _start_of(self.pid)
        return bool(present) and present != self.started

    def __str__(self) -> str:
        return f"{self.user} {self.host} pid {self.pid} {self.started or '-'}"


@dataclass(frozen=True)
class RunLock:
    """The lock of one run on one cluster; `seconds` is how long another run is waited for."""

    cluster: Cluster
    namespace: str
    holder: Holder
    seconds: float
    tell: Callable[[str], None]

    def await_others(self) -> bool:
        """Wait until no other run is at work; True when there was one. Nothing is written. Raises ReleaseError."""
        deadline, waited, told = Deadline(self.seconds), False, 0.0
        while True:
            try:
                other = _held_by_other(self._read(deadline), self.holder, self._time)
            except ApiError as error:
                if error.lacks_permission:
                    return waited  # taking the lock tells it, and the plan before that
                raise
            if other is None:
                return waited
            what = f"another run is at work on this cluster: {other}"
            if deadline.passed:
                raise ReleaseError(
                    f"{what}; it was waited for {self.seconds:.0f} s. Start again when it has ended; "
                    f"if it has died, its lease {self.namespace}/{NAME} runs out after {SECONDS} s"
                )
            if not waited or deadline.elapsed - told >= TELL_EVERY:
                told = deadline.elapsed
                self.tell(f"{what}; waiting for it to end")
            waited = True
            time.sleep(LOOK_EVERY)

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Hold the lease, waiting for another run to end; gives whether there was one. Raises ReleaseError.

        It is kept afterwards for the next task of the same run; `give_up` ends it.
        """
        waited = self.await_others()
        while not self._write(Deadline(self.seconds)):
            waited = self.await_others() or waited
        with self._renewed(self._take_again):
            yield waited

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep the lease fresh where this run holds it, as while it waits; take it in no case. Raises nothing."""
        with self._renewed(self._refresh):
            yield

    @contextmanager
    def _renewed(self, renew: Callable[[], object]) -> Iterator[None]:
        done = threading.Event()
        thread = threading.Thread(target=self._renew, args=(renew, done), daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join(RENEW_EVERY)

    def give_up(self, deadline: Deadline) -> None:
        """Free the lease, if this run holds it."""
        live = self._read(deadline)
        if live and (live.get("spec") or {}).get("holderIdentity") == str(self.holder):
            uid = live["metadata"]["uid"]
            self.cluster.delete(API_VERSION, KIND, NAME, self.namespace, uid=uid, deadline=deadline)

    def rehearse(self, deadline: Deadline) -> None:
        """Find out whether this user may take the lease. Raises ApiError."""
        self._write(deadline, dry_run=True)

    def _time(self) -> datetime:
        """What time it is by the API server's clock, which every answer tells; by ours where it does not."""
        try:
            return told_time(self.cluster.transport.exchange("GET", "/version", CLOCK_SECONDS).headers)
        except (KubeError, ValueError):
            return datetime.now(UTC)

    def _read(self, deadline: Deadline) -> Document | None:
        return self.cluster.get(API_VERSION, KIND, NAME, self.namespace, deadline)

    def _write(self, deadline: Deadline, dry_run: bool = False) -> bool:
        """Take or renew the lease; False when somebody else has it or was quicker."""
        live = self._read(deadline)
        if _held_by_other(live, self.holder, self._time) is not None:
            return False
        metadata = {"name": NAME, "namespace": self.namespace}
        spec = {"holderIdentity": str(self.holder), "leaseDurationSeconds": SECONDS, "renewTime": _now()}
        body = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": spec}
        try:
            if live is None:
                self.cluster.create(body, manager=MANAGER, dry_run=dry_run, deadline=deadline, retry_if=_is_passing)
            else:
                # With the resourceVersion that was read, the server refuses when the lease was written since.
                metadata["resourceVersion"] = live["metadata"]["resourceVersion"]
                self.cluster.apply(
                    body, manager=MANAGER, force=True, dry_run=dry_run, deadline=deadline, retry_if=_is_passing
                )
        except ApiError as error:
            if not dry_run and error.status in (404, 409):
                return False
            raise
        return True

    def _take_again(self) -> None:
        self._write(Deadline(RENEW_EVERY))

    def _refresh(self) -> None:
        live = self._read(Deadline(RENEW_EVERY))
        if ((live or {}).get("spec") or {}).get("holderIdentity") == str(self.holder):
            self._write(Deadline(RENEW_EVERY))

    @staticmethod
    def _renew(renew: Callable[[], object], done: threading.Event) -> None:
        while not done.wait(RENEW_EVERY):
            try:
                renew()
            except KubeError:
                continue  # the work itself meets the same trouble, and tells it


def _held_by_other(live: Document | None, holder: Holder, clock: Callable[[], datetime]) -> str | None:
    spec = (live or {}).get("spec") or {}
    identity = spec.get("holderIdentity") or ""
    if not identity or identity == str(holder):
        return None
    known = Holder.parse(identity)
    if known and known.is_dead:
        return None
    age = (clock() - (_written(live) or _time_of(spec.get("renewTime")))).total_seconds()
    if age > (spec.get("leaseDurationSeconds") or SECONDS):
        return None
    return f"{known.user} on {known.host} (process {known.pid})" if known else identity


def _written(live: Document | None) -> datetime | None:
    """When a run wrote the lease last, by the server's clock: that of the run's machine may be slow or fast."""
    entries = ((live or {}).get("metadata") or {}).get("managedFields") or []
    times = [_time_of(entry.get("time")) for entry in entries if entry.get("manager") == MANAGER]
    return max(times, default=None)


def _is_passing(error: ApiError) -> bool:
    """Whether a write is tried again: not after a conflict, which says that another run took the lease."""
    return error.status in (429, 500, 502, 503, 504)


def _start_of(pid: int) -> str:
    """When a process of this machine began, in a form that no other process with the same number has; '' unknown."""
    try:
        # The name, in parentheses, may have spaces in it; field 22 of the line is the time (proc_pid_stat(5)).
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except FileNotFoundError:
        # Where processes of others are hidden (mount option hidepid), nothing tells that one has ended.
        return "ended" if os.path.isdir("/proc/1") else ""
    except OSError:
        return ""
    return f"{stat[19]}@{_process_namespace()}"


def _process_namespace() -> str:
    """What tells process namespaces apart, those of machines with one name too, which number theirs alike: so the
    number, and the kernel's word for its boot; '' where there are none."""
    try:
        return f"{os.stat('/proc/self/ns/pid').st_ino}.{BOOT.read_text(encoding='ascii').strip()}"
    except OSError:
        return ""


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _time_of(text: str | None) -> datetime:
    if not text:
        return datetime.fromtimestamp(0, UTC)
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
