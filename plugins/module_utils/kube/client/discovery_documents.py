# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documents of discovery say: the aggregated one, the old ones, and what is kept of them in the cache."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .answers import document_fault


@dataclass(frozen=True)
class Resource:
    """One kind as the server serves it. `api_version` is 'v1' or 'group/version'."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str]

    @property
    def group(self) -> str:
        """API group; empty for the core group."""
        return self.api_version.rpartition("/")[0]

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """URL path of the collection or, with `name`, of one object."""
        parts = ["/apis" if "/" in self.api_version else "/api", self.api_version]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        if name:
            parts.append(name)
        return "/".join(parts)


@dataclass
class Reading:
    """What one reading found, in the server's order; `stale` are group versions whose kinds are not known."""

    resources: list[Resource]
    stale: set[str]


def discovery_fault(answer: Any, path: str) -> str:
    """What is wrong with the answer of /api or /apis, in either form."""
    fault = document_fault(answer)
    if fault:
        return fault
    kind = answer.get("kind")
    try:
        if kind == "APIGroupDiscoveryList":
            reading = from_aggregated(answer)
            known = {resource.api_version for resource in reading.resources} | reading.stale
        elif kind == "APIVersions":
            known = set(answer["versions"])
        elif kind == "APIGroupList":
            known = {version["groupVersion"] for group in answer["groups"] for version in group["versions"]}
        else:
            return "it is no discovery document"
    except (KeyError, TypeError, AttributeError):
        return "it is a discovery document without its fields"
    return "" if ("v1" if path == "/api" else "apps/v1") in known else "it is a discovery document without apps or v1"


def version_fault(answer: Any) -> str:
    """What is wrong with the old form's list of one version."""
    fault = document_fault(answer)
    if fault:
        return fault
    try:
        for entry in answer["resources"]:
            frozenset(entry["verbs"]), entry["kind"] + entry["name"], entry["namespaced"]
    except (KeyError, TypeError):
        return "it is no list of resources"
    return ""


def from_aggregated(answer: dict[str, Any]) -> Reading:
    """What an APIGroupDiscoveryList says. Raises KeyError, TypeError and AttributeError for one without its fields."""
    reading = Reading([], set())
    for group in answer["items"] or []:
        name = group["metadata"].get("name") or ""
        for version in group.get("versions") or []:
            api_version = f"{name}/{version['version']}" if name else version["version"]
            if version.get("freshness") == "Stale":
                reading.stale.add(api_version)
            for entry in version.get("resources") or []:
                kind = (entry.get("responseKind") or {}).get("kind") or ""
                namespaced = entry["scope"] == "Namespaced"
                verbs = frozenset(entry.get("verbs") or [])
                reading.resources.append(Resource(api_version, kind, entry["resource"], namespaced, verbs))
    return reading


def from_entries(entries: list[dict[str, Any]] | None) -> list[Resource]:
    """What the cache holds; [] when it is of another form."""
    try:
        return [Resource(**{**entry, "verbs": frozenset(entry["verbs"])}) for entry in entries or []]
    except (KeyError, TypeError):
        return []
