# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an API server serves, learnt in two requests by aggregated discovery (KEP-3352, stable since Kubernetes 1.30).

A server that answers in the old form is asked group by group instead.

That a kind is *not* served is only believed of an answer that was read for this question and is whole: memory and
cache may be older than a CRD, and a group whose aggregated API server is away is reported stale, without its kinds.
"""

from __future__ import annotations

import threading
from dataclasses import asdict
from typing import Any

from ..deadline import Deadline
from ..errors import ApiError, NotKnown
from .discovery_cache import DiscoveryCache
from .discovery_documents import Reading, Resource, discovery_fault, from_aggregated, from_entries, version_fault
from .transport import Transport

_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
# Kinds of OpenShift that show, with labels and field managers, what Kubernetes has as namespaces, roles and bindings:
# openshift-apiserver pkg/project/apiserver/registry/project/proxy and pkg/authorization/apiserver/registry
VIEWS = frozenset(
    {
        ("project.openshift.io", "Project"),
        ("authorization.openshift.io", "Role"),
        ("authorization.openshift.io", "RoleBinding"),
        ("authorization.openshift.io", "ClusterRole"),
        ("authorization.openshift.io", "ClusterRoleBinding"),
    }
)
GROUP_SECONDS = 10.0  # patience with one group of the old form
ACCEPT = ",".join([_AGGREGATED.format(version="v2"), _AGGREGATED.format(version="v2beta1"), "application/json"])


class Discovery:
    """Looks kinds up by (api_version, kind); held in memory, and in `cache` for the other tasks of the run."""

    def __init__(self, transport: Transport, cache: DiscoveryCache | None = None) -> None:
        self._transport = transport
        self._cache = cache
        self._resources: dict[tuple[str, str], Resource] = {}
        self._preferred: dict[tuple[str, str], str] = {}
        self._stale: set[str] = set()
        self._readings = 0  # from the server, not from the cache
        self._lock = threading.Lock()

    def refresh(self, deadline: Deadline | None = None) -> None:
        """Read everything anew: two requests on a current server. To be called when a CRD was applied or removed."""
        with self._lock:
            self._read(deadline)

    def ensure(self, deadline: Deadline) -> None:
        """Read once; a later call costs nothing."""
        with self._lock:
            self._load(deadline)

    def find(self, api_version: str, kind: str) -> Resource | None:
        """The resource as far as this task knows, None for an unknown kind; `look_up` gives certainty.

        What the cache does not have is not believed: it may be older than a CRD.
        """
        with self._lock:
            self._load(None)
            if (api_version, kind) not in self._resources and not self._readings:
                self._read(None)
            return self._resources.get((api_version, kind))

    def look_up(self, api_version: str, kind: str, deadline: Deadline | None = None) -> Resource | None:
        """The resource, or None when the server does not serve that kind, which is read anew before it is said.

        Raises NotKnown when the server does not know itself.
        """
        readings = self._readings
        with self._lock:
            self._load(deadline)
            found = self._resources.get((api_version, kind))
        if found is not None:
            return found
        with self._lock:
            if self._readings == readings:  # no other thread has read it since this question
                self._read(deadline)
            found = self._resources.get((api_version, kind))
        if found is None and api_version in self._stale:
            raise NotKnown(
                f"whether the cluster serves {kind} of {api_version} is not known: the API server of that group, "
                "which an APIService names, does not answer"
            )
        return found

    @property
    def stale(self) -> frozenset[str]:
        """The API versions that are announced, and whose API server was away when they were read last."""
        return frozenset(self._stale)

    def all(self) -> list[Resource]:
        """Every kind in its group's preferred version only, so that each object appears once; never from the cache.

        Views of objects of another group are left out (VIEWS).
        """
        with self._lock:
            if not self._readings:
                self._read(None)
            return [
                resource
                for (api_version, kind), resource in self._resources.items()
                if self._preferred.get((resource.group, kind)) == api_version and (resource.group, kind) not in VIEWS
            ]

    def _load(self, deadline: Deadline | None) -> None:
        if self._resources:
            return
        kept = from_entries(self._cache.load() if self._cache else None)
        if kept:
            self._take(Reading(kept, set()))
        else:
            self._read(deadline)

    def _read(self, deadline: Deadline | None) -> None:
        reading = Reading([], set())
        for path in ("/api", "/apis"):
            answer = self._transport.call(
                "GET",
                path,
                accept=ACCEPT,
                deadline=deadline,
                fault_of=lambda answer, path=path: discovery_fault(answer, path),
            )
            if answer.get("kind") == "APIGroupDiscoveryList":
                part = from_aggregated(answer)
            else:
                part = self._from_groups(path, answer, deadline)
            reading.resources += part.resources
            reading.stale |= part.stale
        self._take(reading)
        self._readings += 1
        if self._cache is None:
            return
        if reading.stale:
            self._cache.drop()
        else:
            self._cache.store([{**asdict(item), "verbs": sorted(item.verbs)} for item in reading.resources])

    def _take(self, reading: Reading) -> None:
        resources: dict[tuple[str, str], Resource] = {}
        preferred: dict[tuple[str, str], str] = {}
        for resource in reading.resources:
            resources.setdefault((resource.api_version, resource.kind), resource)
            # Versions come in the order of the group's preference.
            preferred.setdefault((resource.group, resource.kind), resource.api_version)
        self._resources, self._preferred, self._stale = resources, preferred, reading.stale

    def _from_groups(self, path: str, answer: dict[str, Any], deadline: Deadline | None) -> Reading:
        """The old form: one request per version of every group. `answer` is an APIVersions or an APIGroupList."""
        if path == "/api":
            versions = list(answer["versions"])
        else:
            versions = [version["groupVersion"] for group in answer["groups"] for version in group["versions"]]
        reading = Reading([], set())
        for version in versions:
            found = self._of_version(path, version, deadline)
            if found is None:
                reading.stale.add(version)
            else:
                reading.resources += found
        return reading

    def _of_version(self, path: str, api_version: str, deadline: Deadline | None) -> list[Resource] | None:
        """The kinds of one version, None when its aggregated API server is away, which must not stop the others."""
        limit = Deadline(min(GROUP_SECONDS, deadline.remaining if deadline else GROUP_SECONDS))
        try:
            listing = self._transport.call("GET", f"{path}/{api_version}", deadline=limit, fault_of=version_fault)
        except ApiError as error:
            if error.status in (404, 503):
                return None
            raise
        return [
            Resource(api_version, entry["kind"], entry["name"], entry["namespaced"], frozenset(entry["verbs"]))
            for entry in listing["resources"]
            if "/" not in entry["name"]
        ]


__all__ = ["ACCEPT", "Discovery", "Resource"]
