# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether metrics-server has figures of every node yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .node_kinds import treatment

METRICS_PATH = "/apis/metrics.k8s.io/v1beta1/nodes"


def nodes_without_figures(
    nodes: Sequence[dict[str, Any]], metrics: Sequence[dict[str, Any]], *, awaited: bool = True
) -> list[str]:
    """Return the names of the nodes that have no CPU and memory figure, sorted.

    Of those that figures are waited for, or with `awaited` False of the others. `nodes` are v1 Nodes, `metrics` the
    items of a NodeMetricsList.
    """
    measured = {item["metadata"]["name"] for item in metrics if {"cpu", "memory"} <= set(item.get("usage") or {})}
    asked = {node["metadata"]["name"] for node in nodes if treatment(node).awaited is awaited}
    return sorted(asked - measured)
