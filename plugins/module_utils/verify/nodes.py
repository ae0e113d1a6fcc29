# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the nodes are Ready, counted by what they are (docs/nodes.md)."""

from __future__ import annotations

from collections import Counter

from ..kube.objects import Document
from ..site.node_kinds import NodeKind, node_kind
from ..site.summary import count
from .facts import Fact, fails, holds
from .scene import Scene

NAME = "nodes"


def ask_quickly(scene: Scene) -> Fact:
    """As `ask`, but one node that is Ready will do: the run has passed the others over, and served this one."""
    fact = ask(scene)
    if fact.ok or not fact.figures["ready"]:
        return fact
    return holds(NAME, f"{fact.text}; passed over: {fact.cause}", **fact.figures)


def ask(scene: Scene) -> Fact:
    """Every node of Linux is to be Ready; those of other kinds are counted and passed over."""
    kinds = Counter(node_kind(node) for node in scene.nodes)
    ready, down = kinds[NodeKind.LINUX], kinds[NodeKind.DOWN]
    cordoned = sum(bool((node.get("spec") or {}).get("unschedulable")) for node in scene.nodes)
    others = {str(kind): number for kind, number in kinds.items() if kind not in (NodeKind.LINUX, NodeKind.DOWN)}
    text = f"{ready} of {count(ready + down, 'node')} of Linux Ready"
    if cordoned:
        text += f", {cordoned} cordoned"
    if others:
        text += "; passed over: " + ", ".join(f"{number} of {kind}" for kind, number in sorted(others.items()))
    figures = {"ready": ready, "not_ready": down, "cordoned": cordoned, "passed_over": others}
    if not scene.nodes:
        return fails(NAME, text, "the cluster has no node", "add a node", **figures)
    lost = [node for node in scene.nodes if node_kind(node) is NodeKind.DOWN]
    if lost:
        told = "; ".join(map(_why, lost))
        name = lost[0]["metadata"]["name"]
        return fails(NAME, text, told, f"see its kubelet and runtime: {scene.kubectl} describe node {name}", **figures)
    return holds(NAME, text, **figures)


def _why(node: Document) -> str:
    """What the node's condition Ready says."""
    conditions = (node.get("status") or {}).get("conditions") or []
    ready: Document = next((item for item in conditions if item.get("type") == "Ready"), {})
    words = " ".join(filter(None, (ready.get("reason"), ready.get("message")))) or "nothing has been heard of it"
    return f"node {node['metadata']['name']} is not Ready: {words}"
