# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which set is installed on a cluster: by the server's version, by its name, with single versions on top.

Whether it may take the place of what stands is in steps.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..versions import Version
from .sets import COMPONENTS, Releases, ReleaseSet, ReleaseSetError

AUTO = "auto"


@dataclass(frozen=True)
class Chosen:
    """A set, the versions by component (those given on top included), and the content of those that the data knows."""

    release: ReleaseSet
    versions: Mapping[str, str]
    manifests: Mapping[str, list[dict[str, Any]]]
    post_install: Mapping[str, list[dict[str, Any]]]
    addons: Mapping[str, list[dict[str, Any]]]
    untried: tuple[str, ...] = ()

    def line(self, server: str) -> str:
        """What is said of it."""
        versions = ", ".join(f"{title} {self.versions[name]}" for name, title in COMPONENTS.items())
        return f"releases for Kubernetes {server}: set {self.release.name}, {versions}"


def choose(
    releases: Releases,
    wanted: str,
    server: str,
    given: Mapping[str, str],
    allow_untried: bool = False,
    is_older: Callable[[Mapping[str, str]], bool] = lambda versions: False,
) -> Chosen:
    """The set `wanted` (a name or auto) for a server version such as v1.36.3, with the versions `given` on top.

    Auto leaves out sets of which `is_older`, given their versions, says that they are older than what stands, as long
    as another one fits. With `allow_untried`, what is not known to work is told in `untried` and not refused. Raises
    ReleaseSetError.
    """
    try:
        minor = _minor(server.removeprefix("v"))
    except ValueError:
        raise ReleaseSetError(f"the server calls its version {server!r}, which is no version of Kubernetes") from None
    if wanted == AUTO:
        chosen = _by_server(releases, server, minor, lambda one: is_older({**one.versions, **given}))
    else:
        chosen = _by_name(releases, wanted)
    problems = _outside(chosen, server, minor)
    versions = dict(chosen.versions)
    for component, version in given.items():
        if version == versions[component]:
            continue
        versions[component] = version
        problems += _mix(chosen, releases, component, version)
    if problems and not allow_untried:
        raise ReleaseSetError(
            "; ".join(problems) + ". serverless_release_untried: true goes on all the same, with a warning"
        )
    known = {name: releases.content[name].get(version) or {} for name, version in versions.items()}
    manifests, post_install, addons = (
        {name: content[part] for name, content in known.items() if content.get(part)}
        for part in ("manifests", "post_install", "addons")
    )
    return Chosen(chosen, versions, manifests, post_install, addons, tuple(problems))


def _by_server(
    releases: Releases, server: str, minor: tuple[int, int], is_older: Callable[[ReleaseSet], bool]
) -> ReleaseSet:
    offered = [one for one in releases.sets.values() if one.offered]
    fitting = [one for one in offered if _minor(one.oldest) <= minor <= _minor(one.newest)]
    if fitting:
        return next((one for one in fitting if not is_older(one)), fitting[0])
    others = [one for one in releases.sets.values() if not one.offered]
    if minor < min(_minor(one.oldest) for one in offered):
        advice = "upgrade the cluster"
        older = [str(one) for one in others if _minor(one.oldest) <= minor <= _minor(one.newest)]
        if older:
            advice += f", or name an older set in serverless_release: {', '.join(older)}"
    else:
        advice = "name the set that you want to try in serverless_release, with serverless_release_untried: true"
    raise ReleaseSetError(
        f"no set of releases is known to work on Kubernetes {server}; there are {', '.join(map(str, offered))}; "
        f"{advice}"
    )


def _by_name(releases: Releases, wanted: str) -> ReleaseSet:
    if wanted not in releases.sets:
        names = ", ".join(map(str, releases.sets.values()))
        raise ReleaseSetError(f"serverless_release: there is no set {wanted!r}; there are auto, {names}")
    return releases.sets[wanted]


def _outside(chosen: ReleaseSet, server: str, minor: tuple[int, int]) -> list[str]:
    if minor < _minor(chosen.oldest):
        return [f"Kubernetes {server} is older than {chosen.oldest}, which the set {chosen.name} needs"]
    if minor > _minor(chosen.newest):
        return [f"Kubernetes {server} is newer than {chosen.newest}, the newest that the set {chosen.name} is known on"]
    return []


def _mix(chosen: ReleaseSet, releases: Releases, component: str, version: str) -> list[str]:
    """Why a single version is not known to work with the set: another patch of its own minors always is."""
    option = f"{component}_version: {version}"
    try:
        minor = _minor(version)
    except ValueError:
        return [f"{option} is no version such as {chosen.versions[component]}"]
    minors = {_minor(text) for text in (chosen.versions[component], *chosen.works_with.get(component, ()))}
    if minor in minors:
        return []
    known = ", ".join(f"{major}.{number}" for major, number in sorted(minors))
    holders = [one.name for one in releases.sets.values() if one.versions[component] == version]
    hint = f"; it is in the set {' and '.join(holders)} (serverless_release)" if holders else ""
    return [
        f"{option} is not known to work with the set {chosen.name}, which has {COMPONENTS[component]} {known}{hint}"
    ]


def _minor(version: str) -> tuple[int, int]:
    """Major and minor. Raises ValueError for what is no version."""
    return Version.parse(version).line
