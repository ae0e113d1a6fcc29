# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why no node takes a pod: the scheduler's sentence, the nodes, and what an autoscaler says. Pure functions.

The sentences are those of kube-scheduler's plugins (pkg/scheduler/framework/plugins). Since Kubernetes 1.34 they do not
name taints any more, so the nodes are looked at as well.
"""

from __future__ import annotations

import re

from ..objects import Document
from .causes import Finding, Patience
from .events import Event
from .quantities import nobody_has

# The scheduler's words for some nodes -> what keeps them from the pod. The first match counts.
SENTENCES = (
    (r"untolerated taint|taints? that the pod didn't tolerate", "tainted"),
    (r"were unschedulable", "cordoned"),
    (r"unknown conditions|were not ready", "node-not-ready"),
    (r"node affinity|node selector|scheduler-enforced|requested node name|affinity terms conflict", "no-such-node"),
    (r"required features", "no-such-node"),
    (r"Insufficient |Too many pods|free ports|max volume count|no available disk", "no-room"),
    (r"ReadWriteOncePod", "no-room"),
    (r"pod (anti-)?affinity|pods anti-affinity|topology spread", "not-beside-others"),
    (r"volume node affinity conflict|volume zone|non-existent pv", "no-such-node"),
    (r"persistentvolumeclaim \S+ not found", "claim-missing"),
    (r"unbound|persistent volumes|free storage|PersistentVolumeClaim", "claim-in-provision"),
    (r"no nodes available", "unschedulable"),
)
# Taints of a node that is starting, away for a moment, or short of something; agents of networks and disks set theirs.
PASSING_TAINT = re.compile(
    r"node\.kubernetes\.io/(not-ready|unreachable|network-unavailable|(memory|disk|pid)-pressure|out-of-service)"
    r"|node\.cloudprovider\.kubernetes\.io/|not-ready|not_ready|uninitialized|unregistered|startup|initializing"
    r"|ToBeDeletedByClusterAutoscaler|DeletionCandidateOfClusterAutoscaler|karpenter\.sh/disrupted"
)
CORDON_TAINT = "node.kubernetes.io/unschedulable"
NODE_COMES = frozenset({"TriggeredScaleUp", "Nominated", "NominatedNode"})  # cluster-autoscaler; Karpenter
NODE_DOES_NOT = "NotTriggerScaleUp"
# What another node, or a pod that goes, would mend.
ROOM_HELPS = frozenset({"no-room", "not-beside-others"})


def unschedulable(
    pod: Document, subject: str, message: str, nodes: list[Document] | None, events: list[Event], leaving: bool
) -> Finding:
    """The one finding about a pod that the scheduler could not place. `nodes` is None when they may not be read.

    `leaving`: whether pods beside it are on their way out. Claims are judged by claims.py, before this.
    """
    said = f"no node can take it: {message}"
    causes = _causes(pod, message, nodes)
    cause = _most_patient(causes)
    detail = _detail(pod, cause, nodes)
    if "no-room" in causes and nodes and (why := nobody_has(pod, _open_to(pod, nodes))):
        cause, detail = "too-large", why
    if cause in ROOM_HELPS and leaving:
        cause = "room-is-coming"
    elif word := _autoscaler(events):
        cause = _with_autoscaler(cause, word)
        detail = f"{detail}; {word.reason}: {word.message}" if detail else f"{word.reason}: {word.message}"
    return Finding(cause, subject, f"{said} ({detail})" if detail else said)


def _causes(pod: Document, message: str, nodes: list[Document] | None) -> set[str]:
    parts = re.split(r"\. (?:preemption|no new claims)", message)[0].split(": ", 1)[-1]
    found = set()
    for part in re.split(r", (?=\d)|, (?=node)", parts):
        cause = next((cause for words, cause in SENTENCES if re.search(words, part, re.IGNORECASE)), "unschedulable")
        found |= _taint_causes(pod, part, nodes) if cause == "tainted" else {cause}
    return found


def _taint_causes(pod: Document, part: str, nodes: list[Document] | None) -> set[str]:
    """What the taints mean: those in the sentence, else those that the nodes have now."""
    named = re.findall(r"\{([^:}]+):", part)
    if named:
        return {_taint_cause(key.strip()) for key in named}
    keys = [[taint["key"] for taint in untolerated(pod, node)] for node in nodes or []]
    # A node takes the pod only when every one of its taints is gone.
    found = {_least_patient({_taint_cause(key) for key in of_node}) for of_node in keys if of_node}
    return found or {"node-not-ready" if nodes is not None else "unschedulable"}


def _taint_cause(key: str) -> str:
    if key == CORDON_TAINT:
        return "cordoned"
    return "node-not-ready" if PASSING_TAINT.search(key) else "tainted"


def untolerated(pod: Document, node: Document) -> list[dict[str, str]]:
    """The taints of a node that keep the pod away (effects NoSchedule and NoExecute)."""
    tolerations = (pod.get("spec") or {}).get("tolerations") or []
    taints = (node.get("spec") or {}).get("taints") or []
    return [
        taint
        for taint in taints
        if taint.get("effect") != "PreferNoSchedule" and not any(_tolerates(entry, taint) for entry in tolerations)
    ]


def _tolerates(toleration: dict[str, str], taint: dict[str, str]) -> bool:
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if not toleration.get("key"):
        return toleration.get("operator") == "Exists"
    if toleration["key"] != taint.get("key"):
        return False
    return toleration.get("operator") == "Exists" or toleration.get("value", "") == taint.get("value", "")


def _open_to(pod: Document, nodes: list[Document]) -> list[Document]:
    """The nodes without a taint against the pod that somebody has set for a purpose."""
    return [node for node in nodes if not any(_taint_cause(t["key"]) == "tainted" for t in untolerated(pod, node))]


def _detail(pod: Document, cause: str, nodes: list[Document] | None) -> str:
    if cause not in ("tainted", "cordoned", "node-not-ready"):
        return ""
    named = []
    for node in nodes or []:
        keys = [taint["key"] for taint in untolerated(pod, node) if _taint_cause(taint["key"]) == cause]
        if keys:
            named.append(f"{node['metadata']['name']} has {', '.join(keys)}")
    return "; ".join(named[:3])


_ORDER = {Patience.FINAL: 0, Patience.HOPELESS: 1, Patience.LASTING: 2, Patience.PASSING: 3}


def _rank(cause: str) -> int:
    return _ORDER[Finding(cause, "", "").patience]


def _most_patient(causes: set[str]) -> str:
    """Among several nodes, the one that may take the pod soonest decides; "no-room" tells more than its equals."""
    return max(sorted(causes), key=lambda cause: (_rank(cause), cause == "no-room"))


def _least_patient(causes: set[str]) -> str:
    return min(sorted(causes), key=_rank)


def _autoscaler(events: list[Event]) -> Event | None:
    """The newest word of an autoscaler about the pod."""
    words = [event for event in events if event.reason in NODE_COMES or event.reason == NODE_DOES_NOT]
    return max(words, key=lambda event: event.last, default=None)


def _with_autoscaler(cause: str, word: Event) -> str:
    if word.reason in NODE_COMES:
        return "node-is-coming"
    return cause if _rank(cause) > _ORDER[Patience.HOPELESS] and cause not in ROOM_HELPS else "autoscaler-declined"
