# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data file of the release sets, read and checked. It is the only place with versions of what is installed.

Form: `sets` is a list, the first that fits is preferred; `content` has, by component and version, the items as the
render module takes them (`manifests`), those that an upgrade needs afterwards (`post_install`), and those that its
releases bring for other purposes (`addons`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ..plain_yaml import load_plain

DATA = Path(__file__).resolve().parents[3] / "roles" / "serverless" / "files" / "releases.yml"
# Each with the role option <component>_version
COMPONENTS = {
    "metrics_server": "metrics-server",
    "istio": "Istio",
    "knative_serving": "Knative Serving",
    "knative_net_istio": "net-istio",
    "knative_eventing": "Knative Eventing",
}


class ReleaseSetError(Exception):
    """No set fits, or a mix of versions is not known to work; the text says why and what to do."""


@dataclass(frozen=True)
class ReleaseSet:
    """A set: its versions by component, the oldest and newest Kubernetes (major.minor), and further minors that work.

    `offered` sets are chosen by the server's version; others only by name. `upgrade_from` names the sets that may stand
    before it.
    """

    name: str
    versions: Mapping[str, str]
    oldest: str
    newest: str
    offered: bool
    works_with: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    upgrade_from: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name} (Kubernetes {self.oldest} to {self.newest})"


@dataclass(frozen=True)
class Releases:
    """All sets by name in their order, and the content by component and version."""

    sets: Mapping[str, ReleaseSet]
    content: Mapping[str, Mapping[str, Mapping[str, list[dict[str, Any]]]]]


@cache
def read_releases(path: Path = DATA) -> Releases:
    """The data file. Raises ValueError for one that is damaged."""
    document = load_plain(path.read_text(encoding="utf-8"))
    try:
        sets = {one["name"]: _set(one) for one in document["sets"]}
        content = document["content"]
        for one in sets.values():
            missing = [name for name in COMPONENTS if one.versions[name] not in content[name]]
            if missing or set(one.upgrade_from) - set(sets):
                raise ValueError(f"set {one.name} lacks the content of {missing}, or names an unknown set before it")
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged: {error!r}") from error
    return Releases(sets, content)


def _set(document: Mapping[str, Any]) -> ReleaseSet:
    kubernetes = document["kubernetes"]
    works_with = document.get("works_with") or {}
    return ReleaseSet(
        document["name"],
        {name: str(document["versions"][name]) for name in COMPONENTS},
        str(kubernetes["from"]),
        str(kubernetes["to"]),
        bool(document.get("offered", True)),
        {name: tuple(map(str, minors)) for name, minors in works_with.items()},
        tuple(document.get("upgrade_from") or ()),
    )
