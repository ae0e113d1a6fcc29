# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What kind of cluster a context leads to, judged from its version, its nodes, and whether it is OpenShift."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..contexts.kind_hints import LAB_KIND
from ..openshift.detection import OpenShift
from .cluster_kind import KUBERNETES, kind_of
from .node_kinds import architectures_of, is_ready, treatment


@dataclass(frozen=True)
class ClusterFacts:
    """A cluster: server version as the server says it, kind of cluster, and what its nodes are.

    `ready` counts the Ready nodes of Linux; in a cluster without any, all that say they are. `openshift` is the version
    of OpenShift or MicroShift, '' where it is neither or may not be read.
    """

    version: str
    kind: str
    architectures: tuple[str, ...]
    runtimes: tuple[str, ...]
    nodes: int
    ready: int
    openshift: str = ""


NO_OPENSHIFT = OpenShift()


def cluster_facts(
    version: str, nodes: Sequence[dict[str, Any]], openshift: OpenShift = NO_OPENSHIFT, is_lab: bool = False
) -> ClusterFacts:
    """Derive the facts from GET /version's gitVersion and the list of Node objects.

    What the API serves has the word before what nodes are labelled with, and both before `is_lab`, which the kubeconfig
    says: it may be a copy of an older one.
    """
    kind = openshift.flavour or kind_of(nodes)
    able = [node for node in nodes if treatment(node).planned] or nodes
    infos = [node.get("status", {}).get("nodeInfo", {}) for node in nodes]
    return ClusterFacts(
        version=version,
        kind=LAB_KIND if is_lab and kind == KUBERNETES else kind,
        architectures=tuple(architectures_of(nodes)),
        runtimes=tuple(sorted({info.get("containerRuntimeVersion", "") for info in infos} - {""})),
        nodes=len(nodes),
        ready=sum(is_ready(node) for node in able),
        openshift=openshift.version,
    )


def older_than(version: str, minimum: str) -> bool:
    """Whether a server version such as v1.33.1+k3s1 is older than a minimum such as 1.34; ValueError on other text."""
    return _minor(version) < _minor(minimum)


def _minor(version: str) -> tuple[int, int]:
    found = re.match(r"v?(\d+)\.(\d+)", version)
    if not found:
        raise ValueError(f"{version!r} is not a Kubernetes version such as 1.34")
    return int(found[1]), int(found[2])
