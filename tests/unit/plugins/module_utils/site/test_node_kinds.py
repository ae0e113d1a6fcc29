"""Kinds of nodes as clusters tell them, what each gets, and the table of it in the docs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.cluster_facts import cluster_facts
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.gateway import node_host
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.node_kinds import (
    TREATMENTS,
    NodeKind,
    architectures_of,
    node_kind,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.node_metrics import nodes_without_figures

DOCS = Path(__file__).resolve().parents[5] / "docs" / "nodes.md"


def node(
    name: str = "n",
    *,
    ready: str | None = "True",
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    taints: tuple[str, ...] = (),
    address: str = "10.0.0.1",
    **info: str,
) -> dict[str, Any]:
    """A Node as an API server shows it: every field of nodeInfo is there."""
    told = {"architecture": "amd64", "operatingSystem": "linux", "kubeletVersion": "v1.36.3"}
    return {
        "metadata": {"name": name, "labels": labels or {}, "annotations": annotations or {}},
        "spec": {"taints": [{"key": key, "effect": "NoSchedule"} for key in taints]},
        "status": {
            "nodeInfo": {"containerRuntimeVersion": "containerd://2.4.2", **told, **info},
            "conditions": [{"type": "Ready", "status": ready}] if ready else [],
            "addresses": [{"type": "InternalIP", "address": address}],
        },
    }


SILENT = {"architecture": "", "operatingSystem": "", "kubeletVersion": "", "containerRuntimeVersion": ""}
CASES = [
    ("plain", node(), NodeKind.LINUX),
    ("arm", node(architecture="arm64"), NodeKind.LINUX),
    ("cordoned", node(taints=("node.kubernetes.io/unschedulable",)), NodeKind.LINUX),
    ("tainted", node(taints=("dedicated", "node-role.kubernetes.io/control-plane")), NodeKind.LINUX),
    ("named as another", node("virtual-kubelet-kwok-windows"), NodeKind.LINUX),
    ("not ready", node(ready="False"), NodeKind.DOWN),
    ("unheard of", node(ready="Unknown"), NodeKind.DOWN),
    ("windows", node(operatingSystem="windows", labels={"kubernetes.io/os": "windows"}), NodeKind.WINDOWS),
    ("windows that is down", node(operatingSystem="windows", ready="Unknown"), NodeKind.WINDOWS),
    ("windows by label", node(operatingSystem="", labels={"kubernetes.io/os": "windows"}), NodeKind.WINDOWS),
    ("virtual kubelet", node(labels={"type": "virtual-kubelet"}, **SILENT), NodeKind.VIRTUAL),
    ("its taint", node(taints=("virtual-kubelet.io/provider",)), NodeKind.VIRTUAL),
    ("AKS by version", node(kubeletVersion="v1.28.3-vk-azure-aci-1.6.0"), NodeKind.VIRTUAL),
    ("Fargate", node(labels={"eks.amazonaws.com/compute-type": "fargate"}), NodeKind.VIRTUAL),
    ("Liqo", node(labels={"liqo.io/type": "virtual-node"}), NodeKind.VIRTUAL),
    ("Ready without architecture", node(**SILENT), NodeKind.VIRTUAL),
    ("Ready with an architecture alone", node(containerRuntimeVersion=""), NodeKind.VIRTUAL),
    ("a runtime that does not answer", node(containerRuntimeVersion="containerd://Unknown"), NodeKind.LINUX),
    ("of a Mac", node(operatingSystem="darwin"), NodeKind.FOREIGN),
    ("of another system by label", node(operatingSystem="", labels={"kubernetes.io/os": "freebsd"}), NodeKind.FOREIGN),
    ("virtual for Windows", node(labels={"type": "virtual-kubelet"}, operatingSystem="Windows"), NodeKind.VIRTUAL),
    ("KWOK by annotation", node(annotations={"kwok.x-k8s.io/node": "fake"}), NodeKind.SIMULATED),
    ("KWOK by taint", node(taints=("kwok.x-k8s.io/node",)), NodeKind.SIMULATED),
    ("KWOK by label", node(labels={"type": "kwok"}), NodeKind.SIMULATED),
    ("KWOK by version", node(kubeletVersion="kwok-v0.8.0"), NodeKind.SIMULATED),
    ("made by hand", node(ready=None, **SILENT), NodeKind.UNBORN),
    ("of a cloud", node(ready="Unknown", labels={"kubernetes.io/arch": "arm64"}, **SILENT), NodeKind.UNBORN),
]


@pytest.mark.parametrize(("told", "kind"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_what_a_node_is(told: dict[str, Any], kind: NodeKind) -> None:
    assert node_kind(told) is kind


def test_only_nodes_waited_for_must_have_figures() -> None:
    nodes = [{**told, "metadata": {**told["metadata"], "name": name}} for name, told, _kind in CASES]
    awaited = nodes_without_figures(nodes, [])
    assert awaited == sorted(name for name, _told, kind in CASES if kind is NodeKind.LINUX)
    others = nodes_without_figures(nodes, [], awaited=False)
    assert sorted([*awaited, *others]) == sorted(name for name, _told, _kind in CASES)


def test_architectures_are_those_of_linux_nodes() -> None:
    mixed = [
        node(),
        node(architecture="arm64", ready="Unknown"),
        node(architecture="s390x", operatingSystem="windows"),
        node(architecture="ppc64le", labels={"type": "kwok"}),
        node(labels={"type": "virtual-kubelet"}, **SILENT),
        node(ready=None, **SILENT),
    ]
    assert architectures_of(mixed) == ["amd64", "arm64"]
    assert cluster_facts("v1.36.3", mixed).architectures == ("amd64", "arm64")
    # A cluster without any other node is planned for what they say.
    assert architectures_of([node(architecture="arm64", labels={"type": "kwok"})]) == ["arm64"]
    assert architectures_of([{"metadata": {"name": "n"}}]) == []
    assert architectures_of([{"metadata": {"name": "n", "labels": {"kubernetes.io/arch": "arm64"}}}]) == ["arm64"]


def test_a_node_that_runs_nothing_of_ours_does_not_make_a_cluster_ready() -> None:
    kwok, windows = node(labels={"type": "kwok"}), node(operatingSystem="windows")
    facts = cluster_facts("v1.36.3", [node(ready="False"), kwok, windows])
    assert (facts.nodes, facts.ready) == (3, 0)
    assert cluster_facts("v1.36.3", [node(), kwok]).ready == 1
    assert cluster_facts("v1.36.3", [kwok]).ready == 1


def test_an_address_is_that_of_a_node_that_serves() -> None:
    kwok = node(annotations={"kwok.x-k8s.io/node": "fake"}, address="192.0.2.1")
    down, up = node(ready="False", address="192.0.2.2"), node(address="192.0.2.3")
    assert node_host([kwok, down, up]) == "192.0.2.3"
    assert node_host([kwok, down]) == "192.0.2.2"
    assert node_host([kwok]) is None


def test_the_docs_have_the_same_table() -> None:
    rows = [line.strip("| ").split(" | ") for line in DOCS.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    told = {cells[0]: [cell == "yes" for cell in cells[1:]] for cells in rows if cells[0] in set(NodeKind)}
    fields = ("planned", "delivered", "prepulled", "awaited", "addressed")
    assert told == {kind: [getattr(gets, name) for name in fields] for kind, gets in TREATMENTS.items()}
