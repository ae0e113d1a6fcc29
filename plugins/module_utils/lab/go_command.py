# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the `go` command: its environment, its progress, and what its failures mean."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Thread
from typing import Any

from ..durations import elapsed
from .errors import LabBuildError
from .report import Report

REPORT_EVERY = 30.0  # seconds between two signs of life
_LOOK_EVERY = 0.5  # seconds between two looks at a running build
# No debugging information, as the linker would drop it anyway (-s -w): that is a seventh of the compiler's time.
BUILD_OPTIONS = ("-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false")

_ERROR_LINES = 30
_TARGET = ("GOOS", "GOARCH")  # the lab runs on the machine that builds it

# With -v, `go build` prints the path of each package that it compiles on a line of its own.
_PACKAGE_LINE = re.compile(r"[\w.~+-]+(/[\w.~+-]+)*")

_HINTS = (
    (
        re.compile(r"SECURITY ERROR|checksum mismatch"),
        "A module is not the one that go.sum pins. Do not switch the check off: empty the module cache "
        "(go clean -modcache) and look at what GOPROXY names.",
    ),
    (
        re.compile(r"dial tcp|i/o timeout|TLS handshake|no such host|connection refused|proxyconnect|: EOF"),
        "The Go module proxy or the checksum database is out of reach. Set GOPROXY, and if need be GOSUMDB, to ones "
        "that you can reach and run again; what is done already is kept.",
    ),
    (
        re.compile(r"no space left on device"),
        "The disk is full. Make room (all of it takes about 20 GB) and run again.",
    ),
    (re.compile(r"signal: killed"), "The system ended the compiler, mostly for lack of memory. 4 GiB should be free."),
)


class GoCommand:
    """The `go` command of one toolchain, with everything that would make builds differ switched off."""

    def __init__(self, command: Path) -> None:
        self._command = command

    def environment(self) -> dict[str, str]:
        """Return the environment of a build; caches, proxy and checksum database stay the user's."""
        fixed = {
            "CGO_ENABLED": "0",
            "GO111MODULE": "on",
            "GOFLAGS": "-mod=readonly",
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
        }
        return {**{name: value for name, value in os.environ.items() if name not in _TARGET}, **fixed}

    def build(
        self,
        module: Path,
        packages: Sequence[str],
        output: Path,
        options: Sequence[str],
        watch: Callable[[float, int], None],
    ) -> None:
        """Build packages of a module into the directory output.

        watch is called about twice a second with the seconds so far and the number of packages compiled so far.
        Raises LabBuildError with the end of what Go said.
        """
        self._make(["build", "-v"], module, packages, output, options, watch)

    def build_tests(
        self,
        module: Path,
        packages: Sequence[str],
        output: Path,
        options: Sequence[str],
        watch: Callable[[float, int], None],
    ) -> None:
        """Build the tests of packages into programs, as `build` does with the packages.

        Go does not tell which packages it compiles then, so their number stays 0. Nothing is vetted: that would take
        longer than the building, and the packages are not ours.
        """
        self._make(["test", "-c", "-vet=off"], module, packages, output, options, watch)

    def _make(
        self,
        verb: Sequence[str],
        module: Path,
        packages: Sequence[str],
        output: Path,
        options: Sequence[str],
        watch: Callable[[float, int], None],
    ) -> None:
        command = [*_ended_with_us(), str(self._command), *verb, *BUILD_OPTIONS, *options]
        command += ["-o", f"{output}/", *packages]
        with subprocess.Popen(
            command, cwd=module, env=self.environment(), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process:
            said: list[str] = []
            reader = Thread(target=lambda: said.extend(process.stderr or ()), daemon=True)
            reader.start()
            try:
                _wait(process, said, watch)
            except BaseException:
                process.terminate()
                raise
            reader.join()
        if process.returncode:
            raise _failure(f"go {verb[0]} in {module}", said)

    def download(self, path: str, version: str, scratch: Path) -> Mapping[str, Any]:
        """Put a module into the module cache; return what Go tells of it (Dir, Sum and more). Raises LabBuildError.

        It runs in the directory scratch, outside every module: so only the checksum database judges.
        """
        environment = {**self.environment(), "GOFLAGS": "-mod=mod"}
        command = [str(self._command), "mod", "download", "-json", f"{path}@{version}"]
        done = subprocess.run(command, cwd=scratch, env=environment, capture_output=True, text=True, check=False)
        told: dict[str, Any] = json.loads(done.stdout) if done.stdout.strip() else {}
        if done.returncode or "Error" in told:
            raise _failure(f"go mod download {path}@{version}", [*done.stderr.splitlines(), str(told.get("Error", ""))])
        return told


def heartbeat(report: Report, subject: str) -> Callable[[float, int], None]:
    """Return a watcher that reports every 30 seconds that the subject is still being built."""
    last = 0.0

    def watch(seconds: float, compiled: int) -> None:
        nonlocal last
        if seconds - last >= REPORT_EVERY:
            last = seconds
            report(f"{subject}: still building ({elapsed(seconds)}, {compiled} packages compiled)")

    return watch


def _ended_with_us() -> list[str]:
    """Return what to put before a command so that it ends when this process is killed (util-linux, prctl(2)).

    Otherwise a build would go on beside the one that the next run starts.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM"] if setpriv else []


def _wait(process: subprocess.Popen[str], said: Sequence[str], watch: Callable[[float, int], None]) -> None:
    started = time.monotonic()
    while True:
        try:
            process.wait(timeout=_LOOK_EVERY)
        except subprocess.TimeoutExpired:
            watch(time.monotonic() - started, sum(_is_package(line) for line in said))
            continue
        return


def _is_package(line: str) -> bool:
    return bool(_PACKAGE_LINE.fullmatch(line.strip()))


def _failure(what: str, said: Sequence[str]) -> LabBuildError:
    lines = [line.rstrip() for line in said if line.strip() and not _is_package(line)]
    text = "\n".join(lines[-_ERROR_LINES:])
    hints = [hint for pattern, hint in _HINTS if pattern.search(text)]
    return LabBuildError("\n".join([f"{what} failed.", *hints[:1], text]))
