# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalogue of the lab's components: which binaries, files and modules there are and what pins them.

The data is roles/lab/vars/components.yml; this module turns it into typed objects and refuses what it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from .errors import LabBuildError
from .wheel import Wheel

# A major version as the last element of a package's path, which `go build` does not use as the name of the binary
# (v0 and v1 are none: cmd/go/internal/load, isVersionElement).
_MAJOR_VERSION = re.compile(r"v(?:[2-9]|[1-9][0-9]+)")


@dataclass(frozen=True)
class GoBuild:
    """One `go build`: packages maps the name of a binary to its package."""

    packages: dict[str, str]
    tags: tuple[str, ...] = ()

    def made(self, package: str) -> str:
        """Return the name that Go gives the binary of a package."""
        return default_binary_name(package)


@dataclass(frozen=True)
class GoTestBuild(GoBuild):
    """One `go test -c`: packages maps the name of a binary to the package whose tests it runs."""

    # A field of its own, so that the key of a component without tests stays as it was
    test: bool = True

    def made(self, package: str) -> str:
        """Return the name that Go gives the binary of a package's tests."""
        return f"{default_binary_name(package)}.test"


@dataclass(frozen=True)
class GoComponent:
    """Binaries of one Go module; variables are set at link time (-X)."""

    name: str
    builds: tuple[GoBuild, ...]
    variables: dict[str, str]

    @property
    def files(self) -> list[str]:
        """The names of the binaries."""
        return [name for build in self.builds for name in build.packages]


@dataclass(frozen=True)
class WheelComponent:
    """Files of a wheel of the Python package index: files maps a name of ours to the member of the wheel."""

    name: str
    wheel: Wheel
    members: dict[str, str]

    @property
    def files(self) -> list[str]:
        """The names under which the files are put."""
        return list(self.members)


@dataclass(frozen=True)
class Module:
    """One Go module; sum is its hash as in go.sum (``h1:...``)."""

    path: str
    version: str
    sum: str


@dataclass(frozen=True)
class ModulesComponent:
    """Whole Go modules, linked by a name of ours."""

    name: str
    modules: dict[str, Module]

    @property
    def files(self) -> list[str]:
        """The names of the links."""
        return list(self.modules)


@dataclass(frozen=True)
class CComponent:
    """Programs in C out of a Go module: programs maps a name to the folder of its files, flags are the compiler's."""

    name: str
    module: Module
    programs: dict[str, str]
    flags: tuple[str, ...] = ()

    @property
    def files(self) -> list[str]:
        """The names of the programs."""
        return list(self.programs)


Component: TypeAlias = "GoComponent | CComponent | WheelComponent | ModulesComponent"


def default_binary_name(package: str) -> str:
    """Return the name that `go build` gives the binary of a package (cmd/go/internal/load, DefaultExecName)."""
    elements = package.rstrip("/").split("/")
    if len(elements) > 1 and _MAJOR_VERSION.fullmatch(elements[-1]):
        elements.pop()
    return elements[-1]


def parse_catalogue(data: Mapping[str, Any]) -> dict[str, Component]:
    """Return the components by name, in the order of the data.

    Raises LabBuildError that names the component and what is wrong with it.
    """
    return {name: _component(name, entry) for name, entry in data.items()}


def choose(catalogue: Mapping[str, Component], wanted: list[str]) -> list[Component]:
    """Return the wanted components in the catalogue's order; all of them if none is named.

    Raises LabBuildError for a name that the catalogue lacks.
    """
    unknown = [name for name in wanted if name not in catalogue]
    if unknown:
        raise LabBuildError(f"Unknown lab component {', '.join(unknown)}; there are: {', '.join(catalogue)}")
    return [component for name, component in catalogue.items() if not wanted or name in wanted]


def _component(name: str, entry: Mapping[str, Any]) -> Component:
    kinds = {"go": _go, "c": _c, "wheel": _wheel, "modules": _modules}
    if not isinstance(entry, Mapping) or len(entry) != 1 or next(iter(entry)) not in kinds:
        raise LabBuildError(f"Lab component {name}: write exactly one of {', '.join(kinds)}")
    kind, details = next(iter(entry.items()))
    try:
        return kinds[kind](name, details)
    except (KeyError, TypeError, AttributeError) as error:
        raise LabBuildError(
            f"Lab component {name}: the entry {kind} is incomplete or of the wrong form: {error!r}"
        ) from error


def _go(name: str, details: Mapping[str, Any]) -> GoComponent:
    builds = tuple(_go_build(build) for build in details["builds"])
    for build in builds:
        defaults = [default_binary_name(package) for package in build.packages.values()]
        if len(set(defaults)) < len(defaults):
            raise LabBuildError(
                f"Lab component {name}: two packages of one build make a binary of the same name; use two builds"
            )
    return GoComponent(name, builds, {key: str(value) for key, value in details.get("variables", {}).items()})


def _go_build(data: Mapping[str, Any]) -> GoBuild:
    tags = tuple(data.get("tags", ()))
    return GoTestBuild(dict(data["tests"]), tags) if "tests" in data else GoBuild(dict(data["packages"]), tags)


def _c(name: str, details: Mapping[str, Any]) -> CComponent:
    return CComponent(name, _module(details["module"]), dict(details["programs"]), tuple(details.get("flags", ())))


def _wheel(name: str, details: Mapping[str, Any]) -> WheelComponent:
    wheel = Wheel(details["package"], str(details["version"]), dict(details["sha256"]))
    return WheelComponent(name, wheel, dict(details["files"]))


def _modules(name: str, details: Mapping[str, Any]) -> ModulesComponent:
    return ModulesComponent(name, {key: _module(module) for key, module in details.items()})


def _module(data: Mapping[str, Any]) -> Module:
    return Module(data["path"], data["version"], data["sum"])
