"""The lab's API server as the tests read it: every object of every kind, fast enough to do so after every run."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
PARALLEL = 8
# Renewed all the time, or told about objects and no objects themselves
FLEETING = {("", "events"), ("events.k8s.io", "events"), ("coordination.k8s.io", "leases"), ("", "componentstatuses")}
FLEETING_GROUPS = {"metrics.k8s.io"}

Document = dict[str, Any]


@dataclass(frozen=True, order=True)
class Ref:
    """One object, whatever the version of its API."""

    group: str
    kind: str
    namespace: str
    name: str

    @classmethod
    def of(cls, document: Document) -> Ref:
        metadata = document["metadata"]
        group = document["apiVersion"].rpartition("/")[0]
        return cls(group, document["kind"], metadata.get("namespace") or "", metadata["name"])

    def __str__(self) -> str:
        """As plans and messages write it: 'Deployment todo/web', 'Namespace todo'."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Resource:
    """A kind that can be listed."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool

    @property
    def root(self) -> str:
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def path(self, namespace: str = "", name: str = "") -> str:
        where = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{self.root}{where}/{self.plural}" + (f"/{name}" if name else "")


class ClusterApi:
    """Reads by the administrator's certificate of the lab in `directory`."""

    def __init__(self, directory: Path, address: str) -> None:
        pki = directory / "pki"
        self._pool = urllib3.PoolManager(
            PARALLEL,
            maxsize=PARALLEL,
            ca_certs=str(pki / "ca.crt"),
            cert_file=str(pki / "admin.crt"),
            key_file=str(pki / "admin.key"),
            timeout=30,
        )
        self._server = f"https://{address}:6443"
        # What was ever seen served: the audit log also tells of kinds that are gone since
        self.seen: dict[tuple[str, str], Resource] = {}

    def read(self, path: str, accept: str = "application/json") -> Any:
        """The decoded answer to a GET; None when there is no such thing. Raises RuntimeError for other refusals."""
        answer = self._pool.request("GET", self._server + path, headers={"Accept": accept})
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise RuntimeError(f"GET {path}: {answer.status} {answer.data[:500]!r}")
        return json.loads(answer.data)

    def resources(self) -> list[Resource]:
        """The kinds that are served now and can be listed, each in the version that the server prefers."""
        found = []
        for root in ("/api", "/apis"):
            for group in self.read(root, DISCOVERY)["items"]:
                name = group["metadata"].get("name", "")
                if group.get("versions"):
                    found += list(_listable(name, group["versions"][0]))
        self.seen |= {(resource.group, resource.plural): resource for resource in found}
        return found

    def everything(self) -> dict[Ref, Document]:
        """Every object of every kind but the fleeting ones."""
        wanted = [
            resource
            for resource in self.resources()
            if (resource.group, resource.plural) not in FLEETING and resource.group not in FLEETING_GROUPS
        ]
        with ThreadPoolExecutor(PARALLEL) as pool:
            lists = list(pool.map(self._list, wanted))
        return {Ref.of(item): item for items in lists for item in items}

    def get(self, ref: Ref) -> Document | None:
        """One object, or None."""
        resource = self._find(ref) or (self.resources() and self._find(ref))
        return self.read(resource.path(ref.namespace, ref.name)) if resource else None

    def _find(self, ref: Ref) -> Resource | None:
        of_kind = (
            resource for resource in self.seen.values() if (resource.group, resource.kind) == (ref.group, ref.kind)
        )
        return next(of_kind, None)

    def _list(self, resource: Resource) -> list[Document]:
        listed = self.read(resource.path()) or {"items": []}
        api_version = f"{resource.group}/{resource.version}" if resource.group else resource.version
        return [{"apiVersion": api_version, "kind": resource.kind, **item} for item in listed["items"]]


def _listable(group: str, version: dict[str, Any]) -> Iterable[Resource]:
    for resource in version.get("resources") or []:  # none while an aggregated server is away
        if "list" in resource.get("verbs", []):
            yield Resource(
                group,
                version["version"],
                resource["resource"],
                resource["responseKind"]["kind"],
                resource["scope"] == "Namespaced",
            )
