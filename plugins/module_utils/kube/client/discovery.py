# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an API server serves, learnt in two requests by aggregated discovery (KEP-3352, stable since Kubernetes 1.30).

A server that answers in the old form is asked group by group instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..deadline import Deadline
from ..errors import ApiError
from .transport import Transport

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
GROUP_SECONDS = 10.0  # patience with one group of the old form
ACCEPT = ",".join([_AGGREGATED.format(version="v2"), _AGGREGATED.format(version="v2beta1"), "application/json"])


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


class Discovery:
    """Looks kinds up by (api_version, kind); re-read on demand, held in memory only."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._resources: dict[tuple[str, str], Resource] = {}
        self._preferred: dict[tuple[str, str], str] = {}

    def refresh(self, deadline: Deadline | None = None) -> None:
        """Read everything anew: two requests on a current server."""
        resources: dict[tuple[str, str], Resource] = {}
        preferred: dict[tuple[str, str], str] = {}
        for path in ("/api", "/apis"):
            answer = self._transport.call("GET", path, accept=ACCEPT, deadline=deadline)
            if answer.get("kind") == "APIGroupDiscoveryList":
                found = _from_aggregated(answer)
            else:
                found = self._from_groups(path, answer, deadline)
            for resource in found:
                resources.setdefault((resource.api_version, resource.kind), resource)
                # Versions come in the order of the group's preference.
                preferred.setdefault((resource.group, resource.kind), resource.api_version)
        self._resources, self._preferred = resources, preferred

    def ensure(self, deadline: Deadline) -> None:
        """Read once; a later call costs nothing."""
        if not self._resources:
            self.refresh(deadline)

    def find(self, api_version: str, kind: str) -> Resource | None:
        """The resource, or None when the server does not serve that kind."""
        if not self._resources:
            self.refresh()
        return self._resources.get((api_version, kind))

    def all(self) -> list[Resource]:
        """Every kind in its group's preferred version only, so that each object appears once."""
        if not self._resources:
            self.refresh()
        return [
            resource
            for (api_version, kind), resource in self._resources.items()
            if self._preferred.get((resource.group, kind)) == api_version
        ]

    def _from_groups(self, path: str, answer: dict[str, Any], deadline: Deadline | None) -> list[Resource]:
        """The old form: one request per version of every group. `answer` is an APIVersions or an APIGroupList."""
        if path == "/api":
            versions = list(answer.get("versions") or [])
        else:
            versions = [
                version["groupVersion"]
                for group in answer.get("groups") or []
                for version in group.get("versions") or []
            ]
        return [resource for version in versions for resource in self._of_version(path, version, deadline)]

    def _of_version(self, path: str, api_version: str, deadline: Deadline | None) -> list[Resource]:
        limit = Deadline(min(GROUP_SECONDS, deadline.remaining if deadline else GROUP_SECONDS))
        try:
            listing = self._transport.call("GET", f"{path}/{api_version}", deadline=limit)
        except ApiError as error:
            if error.status in (404, 503):  # an aggregated API whose server is away must not stop the others
                return []
            raise
        return [
            Resource(api_version, entry["kind"], entry["name"], entry["namespaced"], frozenset(entry["verbs"]))
            for entry in listing.get("resources") or []
            if "/" not in entry["name"]
        ]


def _from_aggregated(answer: dict[str, Any]) -> list[Resource]:
    found = []
    for group in answer.get("items") or []:
        name = (group.get("metadata") or {}).get("name") or ""
        for version in group.get("versions") or []:
            api_version = f"{name}/{version['version']}" if name else version["version"]
            for entry in version.get("resources") or []:
                kind = (entry.get("responseKind") or {}).get("kind") or ""
                namespaced = entry["scope"] == "Namespaced"
                verbs = frozenset(entry.get("verbs") or [])
                found.append(Resource(api_version, kind, entry["resource"], namespaced, verbs))
    return found
