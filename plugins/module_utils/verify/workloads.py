# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the pods of the platform are there, and behind something that fails, which of them are not.

The causes are those of the wait engine (kube/wait/diagnosis.py); what it has no word for is a Deployment that somebody
has scaled to nothing, for that is complete, and one that is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..kube.objects import Document, ObjectRef
from ..kube.wait.diagnosis import Diagnosis
from ..kube.wait.evidence import Evidence
from ..kube.wait.targets import ROLLOUT, Target, judge
from ..site.summary import count
from .facts import Fact, fails, holds, skipped
from .scene import Scene

NAME = "workloads"
KINDS = ("Deployment", "StatefulSet", "DaemonSet")
# Without pods until something needs it (knative.dev/eventing config/core/deployments/pingsource-mt-adapter.yaml)
IDLE = {("knative-eventing", "pingsource-mt-adapter")}
_MOST_TOLD = 8


def ask(scene: Scene) -> Fact:
    """Of every Deployment, StatefulSet and DaemonSet of ours at least one pod must be available."""
    wanted = [ref for inventory in scene.inventories.values() for ref in inventory.refs if ref.kind in KINDS]
    if not wanted:
        return skipped(NAME, "nothing of this collection runs here")
    found = troubles(scene, wanted)
    text = f"{len(wanted) - len(found)} of {count(len(wanted), 'workload')} of the platform have pods that serve"
    figures = {"workloads": len(wanted), "serving": len(wanted) - len(found)}
    if found:
        return fails(NAME, text, "; ".join(found.values()), remedy(scene, found), **figures)
    return holds(NAME, text, **figures)


def troubles(scene: Scene, wanted: Iterable[ObjectRef]) -> dict[ObjectRef, str]:
    """Those that have no pod that serves, each with why in one sentence."""
    wanted = sorted(set(wanted))
    live: dict[ObjectRef, Document] = {}
    for kind in sorted({ref.kind for ref in wanted}):
        for item in scene.cluster.list("apps/v1", kind, deadline=scene.seconds(10)):
            metadata = item["metadata"]
            live[ObjectRef("apps/v1", kind, metadata["namespace"], metadata["name"])] = {
                "apiVersion": "apps/v1",
                "kind": kind,
                **item,
            }
    evidence = Evidence(scene.cluster)
    found: dict[ObjectRef, str] = {}
    for ref in wanted:
        why = _why_not(scene, ref, live.get(ref), evidence)
        if why:
            found[ref] = why
    return found


def behind(scene: Scene, names: Iterable[tuple[str, str]]) -> str:
    """What is wrong with Deployments, by namespace and name, in words to put behind a cause; '' where nothing is."""
    found = troubles(scene, [ObjectRef("apps/v1", "Deployment", namespace, name) for namespace, name in names])
    return "; ".join(list(found.values())[:_MOST_TOLD])


def remedy(scene: Scene, found: Mapping[ObjectRef, str]) -> str:
    """What brings these back."""
    ref = next(iter(found))
    return (
        "run site.yml, which brings back what was scaled or deleted by hand; see more by "
        f"{scene.kubectl} -n {ref.namespace} describe {ref.kind.lower()} {ref.name}"
    )


def _why_not(scene: Scene, ref: ObjectRef, live: Document | None, evidence: Evidence) -> str:
    if live is None:
        return f"{ref} is not there"
    spec, status = live.get("spec") or {}, live.get("status") or {}
    if ref.kind == "DaemonSet":
        if not status.get("desiredNumberScheduled") or status.get("numberAvailable"):
            return ""
    elif spec.get("replicas") == 0:
        return "" if (ref.namespace, ref.name) in IDLE else f"{ref} has been scaled to 0 pods"
    elif status.get("availableReplicas"):
        return ""
    target = Target("apps/v1", ref.kind, ref.namespace, ref.name, condition=ROLLOUT)
    reasons = Diagnosis(scene.cluster).reasons(target, evidence)
    return f"{ref} has no pod that serves: {'; '.join(reasons) or judge(target, live).why}"
