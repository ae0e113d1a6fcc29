# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rolls workloads of ours whose pods fit an expression, and tells of the pods that stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ..client.cluster import Cluster
from ..deadline import Deadline
from ..errors import ReleaseError
from ..inventory.owners import Going
from ..inventory.ownership import is_adopted, release_of
from ..objects import Document, ObjectRef
from ..wait.targets import ROLLOUT, Target
from ..wait.waiting import wait_for

try:
    import jmespath
except ImportError:  # told when it is needed
    jmespath = None  # type: ignore[assignment]

# As kubectl rollout restart writes it; Knative carries it over (serving, pkg/reconciler/revision/cruds.go)
ANNOTATION = "kubectl.kubernetes.io/restartedAt"
MANAGER = "selfhosted.serverless-restart"
WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet"})
STRATEGIC = "application/strategic-merge-patch+json"

ROLLING, ALL, NONE = "rolling", "all", "none"


@dataclass
class Restarted:
    """`done` are the workloads that were rolled (or would be), `left` the pods that stay, each with the reason."""

    done: list[ObjectRef] = field(default_factory=list)
    left: dict[ObjectRef, str] = field(default_factory=dict)


def restart(
    cluster: Cluster,
    expression: str,
    how: str,
    check_mode: bool,
    deadline: Deadline,
    progress: Callable[[str], None],
) -> Restarted:
    """Roll the workloads of our releases that have a pod which fits, one after the other, and wait for each.

    `how`: rolling takes those that keep serving meanwhile, all takes the others too, none takes none. Raises
    ReleaseError for an expression that is none, WaitError for a rollout that does not end, and ApiError.
    """
    result = Restarted()
    chosen: dict[ObjectRef, Document] = {}
    for pod in _pods(cluster, expression, deadline):
        workload, why = _judged(cluster, pod, how, deadline)
        if workload is None or why:
            result.left[ObjectRef.of(pod)] = why
        else:
            chosen[ObjectRef.of(workload)] = workload
    for ref in sorted(chosen):
        result.done.append(ref)
        if check_mode:
            continue
        progress(f"restarting {ref}")
        _roll(cluster, ref, deadline)
        target = Target(ref.api_version, ref.kind, ref.namespace, ref.name, condition=ROLLOUT)
        wait_for(cluster, [target], deadline, progress)
    return result


def _pods(cluster: Cluster, expression: str, deadline: Deadline) -> list[Document]:
    if jmespath is None:
        raise ReleaseError("the Python package 'jmespath' is missing; pip install -r requirements.txt")
    try:
        fits = jmespath.compile(expression).search
    except jmespath.exceptions.JMESPathError as error:
        raise ReleaseError(f"'{expression}' is no valid JMESPath: {error}") from error
    pods = cluster.list("v1", "Pod", deadline=deadline)
    return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"] and fits(pod)]


def _judged(cluster: Cluster, pod: Document, how: str, deadline: Deadline) -> tuple[Document | None, str]:
    """The workload of a pod that may be rolled, or why it may not."""
    lineage = Going(cluster, [], deadline).lineage(pod)
    workload = next((item for item in lineage if item["kind"] in WORKLOADS and _is_apps(item)), None)
    if workload is None:
        return None, "nothing makes it anew"
    # Controllers copy labels to what they make: who is ours is told by the root
    if not release_of(lineage[-1]) or is_adopted(lineage[-1]):
        return None, f"its {workload['kind']} is not ours to restart"
    if how == NONE:
        return None, "nothing is to be restarted"
    if how != ALL and not keeps_serving(workload):
        return None, f"its {workload['kind']} would not serve while it restarts"
    return workload, ""


def keeps_serving(workload: Document) -> bool:
    """Whether all pods that a workload wants are there while it is rolled."""
    spec = workload["spec"]
    if workload["kind"] != "Deployment":
        return False
    strategy = spec.get("strategy") or {}
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return False
    away = (strategy.get("rollingUpdate") or {}).get("maxUnavailable", "25%")
    replicas = spec.get("replicas", 1)
    # As the Deployment controller rounds: down
    gone = int(away[:-1]) * replicas // 100 if isinstance(away, str) and away.endswith("%") else int(away)
    return gone == 0


def _roll(cluster: Cluster, ref: ObjectRef, deadline: Deadline) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    patch = {"spec": {"template": {"metadata": {"annotations": {ANNOTATION: now}}}}}
    cluster.transport.call(
        "PATCH",
        cluster.resource(ref.api_version, ref.kind, deadline).path(ref.namespace, ref.name),
        query={"fieldManager": MANAGER},
        body=patch,
        content_type=STRATEGIC,
        deadline=deadline,
    )


def _is_apps(item: Document) -> bool:
    return item["apiVersion"].startswith("apps/")


def told(left: dict[ObjectRef, str]) -> Iterable[str]:
    """The pods that stay, each in words."""
    return [f"{ref}: {why}" for ref, why in sorted(left.items())]
