"""Things of others on the cluster, and whether a run left them as they were."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ..conftest import Site, until
from .cluster_api import Document, Ref
from .runs import Lab

# What the server and controllers write by themselves
UNSTABLE = ("resourceVersion", "managedFields", "generation")
# Our labels and annotations on what we adopted or share; they go when it is given back
OURS = ("serverless.selfhosted/", "app.kubernetes.io/managed-by")
# Kinds in whose content controllers note what they do
RESTLESS = {"Node", "Endpoints", "EndpointSlice", "Pod"}
READY = {
    ("apps", "Deployment"): "Available",
    ("serving.knative.dev", "Service"): "Ready",
    ("eventing.knative.dev", "Broker"): "Ready",
    ("eventing.knative.dev", "Trigger"): "Ready",
}


def load(path: Path) -> list[Document]:
    """The documents of a file."""
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def content(document: Document, without_ours: bool = False) -> Document:
    """What counts of an object: all but its status and what changes by itself; the uid is of it."""
    kept = copy.deepcopy(document)
    kept.pop("status", None)
    metadata = kept["metadata"]
    for name in UNSTABLE:
        metadata.pop(name, None)
    if without_ours:
        for name in ("labels", "annotations"):
            rest = {key: value for key, value in (metadata.get(name) or {}).items() if not key.startswith(OURS)}
            metadata.pop(name, None)
            if rest:
                metadata[name] = rest
    return kept


def includes(document: Any, patch: Any) -> bool:
    """Whether a merge patch would change nothing."""
    if isinstance(patch, dict):
        return isinstance(document, dict) and all(includes(document.get(key), value) for key, value in patch.items())
    return document == patch


@dataclass
class Neighbours:
    """What others have: `placed` in all, `known` as it was found last, `additions` to objects of ours."""

    site: Site
    lab: Lab
    placed: list[Ref] = field(default_factory=list)
    known: dict[Ref, Document] = field(default_factory=dict)
    additions: list[Document] = field(default_factory=list)

    def put(self, *files: Path) -> None:
        """Create what the files say, as a user does, and take note of it once it has settled."""
        documents = [document for file in files for document in load(file)]
        refs = [Ref.of(document) for document in documents]
        self.placed += refs
        for file in files:
            self.site.kubectl("create", "--save-config", "-f", str(file))
        for ref in refs:
            self._settle(ref)
        self.lab.api.resources()
        self.known |= {ref: self._content(ref) or {} for ref in refs}
        assert all(self.known.values())

    def add(self, file: Path) -> None:
        """Add to objects of ours."""
        for patch in load(file):
            ref = Ref.of(patch)
            self.site.kubectl("patch", *_named(ref), "--type=merge", "-p", json.dumps(patch))
            self.additions.append(patch)

    def complaints(self) -> list[str]:
        """How things of others are not as they were."""
        found = []
        for ref, before in self.known.items():
            now = self._content(ref)
            if now is None:
                found.append(f"lost: {ref}")
            elif now["metadata"]["uid"] != before["metadata"]["uid"]:
                found.append(f"replaced: {ref}")
            elif "deletionTimestamp" in now["metadata"]:
                found.append(f"being deleted: {ref}")
            elif now != before:
                found.append(f"changed: {ref}: {_difference(before, now)}")
        for patch in self.additions:
            live = self.lab.api.get(Ref.of(patch))
            if live and "deletionTimestamp" not in live["metadata"] and not includes(live, patch):
                found.append(f"addition lost: {Ref.of(patch)}")
        return found

    def forget(self, groups: set[str]) -> list[Ref]:
        """Expect no longer what is of these API groups; the objects."""
        gone = [ref for ref in self.known if ref.group in groups]
        for ref in gone:
            del self.known[ref]
        return gone

    def remove(self, before: dict[Ref, Document]) -> None:
        """Delete all of it, and the namespaces that were given back to others; return when they are gone.

        Namespaces and definitions go last, once no pod is left: the namespace controller looks again at a pod that is
        still ending only after half of its grace period, which is minutes with Knative's pods.
        """
        homes = {ref.namespace for ref in self.placed} - {ref.name for ref in before if ref.kind == "Namespace"} - {""}
        last = {"CustomResourceDefinition": 1, "Namespace": 2}
        refs = sorted(self.placed, key=lambda ref: last.get(ref.kind, 0))
        first = [ref for ref in refs if ref.kind not in last]
        for wait in ("--wait=false", "--timeout=120s"):
            for ref in first:
                self.site.kubectl("delete", *_named(ref), "--ignore-not-found", wait, check=False)
        for name in sorted(homes):
            self.site.kubectl("wait", "pods", "--all", "-n", name, "--for=delete", "--timeout=400s", check=False)
        for ref in refs[len(first) :]:
            self.site.kubectl("delete", *_named(ref), "--ignore-not-found", "--timeout=400s")
        for name in sorted(homes):
            ours = "-l", "app.kubernetes.io/managed-by!=selfhosted.serverless"
            field = f"--field-selector=metadata.name={name}"
            self.site.kubectl("delete", "namespace", *ours, field, "--timeout=400s")
        self.placed, self.known, self.additions = [], {}, []

    def _content(self, ref: Ref) -> Document | None:
        live = self.lab.api.get(ref)
        return None if live is None else content(live, without_ours=True)

    def _settle(self, ref: Ref) -> None:
        condition = READY.get((ref.group, ref.kind))
        if condition:
            self.site.kubectl("wait", *_named(ref), f"--for=condition={condition}", "--timeout=180s")
        elif ref.kind == "PersistentVolumeClaim":
            self.site.kubectl("wait", *_named(ref), "--for=jsonpath={.status.phase}=Bound", "--timeout=60s")
        elif ref.kind == "CustomResourceDefinition":
            self.site.kubectl("wait", *_named(ref), "--for=condition=Established", "--timeout=60s")


def _named(ref: Ref) -> list[str]:
    """An object as kubectl is told it."""
    kind = f"{ref.kind}.{ref.group}" if ref.group else ref.kind
    return [kind, ref.name, *(["-n", ref.namespace] if ref.namespace else [])]


def _difference(before: Any, now: Any, path: str = "") -> str:
    if isinstance(before, dict) and isinstance(now, dict):
        parts = [
            _difference(before.get(key), now.get(key), f"{path}/{key}")
            for key in sorted({*before, *now})
            if before.get(key) != now.get(key)
        ]
        return "; ".join(parts)
    return f"{path} was {before!r}, is {now!r}"


def unexplained(lab: Lab, before: dict[Ref, Document], known: set[Ref]) -> list[str]:
    """What is on the cluster that was not there before, and that neither neighbours nor the cluster explain."""
    now = lab.listing()
    by_uid = {item["metadata"]["uid"]: ref for ref, item in now.items()}
    homes = {ref.namespace for ref in known} | {ref.name for ref in known if ref.kind == "Namespace"}
    found = [f"gone: {ref}" for ref in before if ref not in now]
    found += [
        f"changed: {ref}"
        for ref in before
        if ref in now and ref.kind not in RESTLESS and content(now[ref]) != content(before[ref])
    ]
    for ref, item in now.items():
        if ref in before or ref in known or _explained(ref, item, by_uid, now, known, homes):
            continue
        found.append(f"left: {ref}")
    return found


def _explained(
    ref: Ref, item: Document, by_uid: dict[str, Ref], now: dict[Ref, Document], known: set[Ref], homes: set[str]
) -> bool:
    if ref.kind == "Namespace":
        return ref.name in homes
    if ref.namespace in homes and (ref.kind, ref.name) in {
        ("ConfigMap", "kube-root-ca.crt"),
        ("ServiceAccount", "default"),
    }:
        return True
    if ref.kind == "PersistentVolume":
        claim = item["spec"].get("claimRef") or {}
        return Ref("", "PersistentVolumeClaim", claim.get("namespace", ""), claim.get("name", "")) in known
    if ref.kind == "Endpoints":
        return Ref("", "Service", ref.namespace, ref.name) in known
    if ref.kind == "IPAddress":
        parent = item["spec"]["parentRef"]  # a Service, in the API server's own words
        return Ref("", "Service", parent.get("namespace", ""), parent["name"]) in known
    owners = [by_uid.get(owner["uid"]) for owner in item["metadata"].get("ownerReferences", [])]
    return any(
        owner is not None and (owner in known or _explained(owner, now[owner], by_uid, now, known, homes))
        for owner in owners
    )


def diff_of_listings(before: dict[Ref, Document], after: dict[Ref, Document]) -> list[str]:
    """What is only in one of two listings."""
    return [f"gone: {ref}" for ref in before if ref not in after] + [
        f"left: {ref}" for ref in after if ref not in before
    ]


def await_equal(lab: Lab, before: dict[Ref, Document], seconds: float = 90) -> None:
    """Wait until garbage collection is through and the listing equals the one from before."""
    until(
        "the listing equals the one from before",
        lambda: not diff_of_listings(before, lab.listing()),
        seconds,
    )
