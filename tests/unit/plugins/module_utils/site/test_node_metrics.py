"""Figures of nodes."""

from __future__ import annotations

from ansible_collections.selfhosted.serverless.plugins.module_utils.site.node_metrics import nodes_without_figures


def node(name: str, ready: str = "True") -> dict:
    return {"metadata": {"name": name}, "status": {"conditions": [{"type": "Ready", "status": ready}]}}


def test_a_ready_node_without_cpu_and_memory_is_named() -> None:
    metrics = [
        {"metadata": {"name": "a"}, "usage": {"cpu": "1", "memory": "1Ki"}},
        {"metadata": {"name": "b"}, "usage": {"cpu": "1"}},
    ]
    assert nodes_without_figures([node("a"), node("b"), node("c"), node("d", "False")], metrics) == ["b", "c"]
