"""Programs that a measurement needs, in a folder of its own; all end with it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "selfhosted-serverless", "bin")
START_SECONDS = 60


def built(component: str, program: str) -> str:
    """The newest program of a component that the lab built."""
    found = list((CACHE / component).glob(f"*/{program}"))
    if not found:
        raise SystemExit(f"bench: there is no {program}; build it with: make lab")
    return str(max(found, key=lambda path: path.stat().st_mtime))


def installed(program: str, package: str) -> str:
    """A program of a Debian package."""
    path = shutil.which(program)
    if not path:
        raise SystemExit(f"bench: there is no {program}; install the package {package}")
    return path


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Processes:
    """Started programs; leaving the block ends them, the last first."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self, name: str, *command: str, socket_of: Path | int, env: dict[str, str] | None = None) -> None:
        """Start a program and wait until it listens on a port of loopback or a socket file."""
        with (self._logs / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **(env or {})})
        self._running.append(process)
        limit = time.monotonic() + START_SECONDS
        while not _listens(socket_of):
            if process.poll() is not None or time.monotonic() > limit:
                raise SystemExit(f"bench: {name} does not start:\n{(self._logs / f'{name}.log').read_text()[-2000:]}")
            time.sleep(0.05)

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._running):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        unmount_below(self._logs)


def unmount_below(folder: Path) -> None:
    """Take away the mounts that programs left below a folder, the innermost first."""
    mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    for mount in sorted((mount for mount in mounts if mount.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", mount], check=False)


def _listens(place: Path | int) -> bool:
    family = socket.AF_INET if isinstance(place, int) else socket.AF_UNIX
    address = ("127.0.0.1", place) if isinstance(place, int) else str(place)
    with socket.socket(family) as probe:
        return probe.connect_ex(address) == 0
