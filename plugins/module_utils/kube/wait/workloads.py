# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From something that is waited for to what is behind it: its newest pods, and the controllers that make them."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..objects import Document
from .evidence import Evidence
from .knative import GROUP, REVISION_LABEL

REVISION = "deployment.kubernetes.io/revision"
SELECTED_BY_LABELS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"})


@dataclass
class Behind:
    """What is behind one object. `owners` make the pods; `revision` is Knative's; `claim` the object itself is one."""

    pods: list[Document] = field(default_factory=list)
    owners: list[Document] = field(default_factory=list)
    revision: Document | None = None
    claim: Document | None = None


def behind(live: Document, evidence: Evidence) -> Behind:
    """Empty for a kind without pods. Raises KubeError."""
    kind, api_version = live["kind"], live["apiVersion"]
    namespace = live["metadata"].get("namespace")
    if kind == "APIService":
        return _of_service((live.get("spec") or {}).get("service"), evidence)
    if namespace is None:
        return Behind()
    if kind == "Pod":
        return Behind(pods=[live])
    if kind == "PersistentVolumeClaim":
        return Behind(claim=live)
    if kind == "Service" and api_version == "v1":
        return Behind(pods=_pods(namespace, (live.get("spec") or {}).get("selector"), evidence))
    if api_version.startswith(GROUP):
        return _of_knative(live, evidence)
    if kind in SELECTED_BY_LABELS:
        return _of_workload(live, evidence)
    return Behind()


def _of_workload(live: Document, evidence: Evidence) -> Behind:
    namespace = live["metadata"]["namespace"]
    labels = dict(((live.get("spec") or {}).get("selector") or {}).get("matchLabels") or {})
    owners = [live]
    if live["kind"] == "Deployment" and labels:
        newest = _newest_replica_set(live, labels, evidence)
        if newest is None:
            return Behind(owners=owners)
        owners.append(newest)
        # Trouble of older pods is on its way out.
        template = (newest["metadata"].get("labels") or {}).get("pod-template-hash")
        labels |= {"pod-template-hash": template} if template else {}
    return Behind(pods=_pods(namespace, labels, evidence), owners=owners)


def _newest_replica_set(deployment: Document, labels: dict[str, str], evidence: Evidence) -> Document | None:
    wanted = (deployment["metadata"].get("annotations") or {}).get(REVISION)
    for candidate in evidence.list("apps/v1", "ReplicaSet", deployment["metadata"]["namespace"], _selector(labels)):
        if wanted and (candidate["metadata"].get("annotations") or {}).get(REVISION) == wanted:
            return candidate
    return None


def _of_knative(live: Document, evidence: Evidence) -> Behind:
    namespace, name = live["metadata"]["namespace"], live["metadata"]["name"]
    if live["kind"] != "Revision":
        name = (live.get("status") or {}).get("latestCreatedRevisionName") or ""
    revision = evidence.get(live["apiVersion"], "Revision", name, namespace) if name else None
    if revision is None:
        return Behind()
    deployment = evidence.get("apps/v1", "Deployment", f"{name}-deployment", namespace)
    pods = _pods(namespace, {REVISION_LABEL: name}, evidence)
    return Behind(pods, [deployment] if deployment else [], revision)


def _of_service(reference: Document | None, evidence: Evidence) -> Behind:
    """The pods behind the service of an aggregated API; a local API has none."""
    if not reference:
        return Behind()
    service = evidence.get("v1", "Service", reference.get("name", ""), reference.get("namespace"))
    return behind(service, evidence) if service else Behind()


def _pods(namespace: str, labels: dict[str, str] | None, evidence: Evidence) -> list[Document]:
    """A selector without labels selects nothing here: all pods of a namespace belong to nobody."""
    return evidence.list("v1", "Pod", namespace, _selector(labels)) if labels else []


def _selector(labels: dict[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
