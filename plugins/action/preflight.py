# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the inventory and the cluster before anything changes; documented in plugins/modules/preflight.py."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.document import CLUSTER
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.cluster_facts import (
    ClusterFacts,
    cluster_facts,
    older_than,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.commands import kubectl
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.option_names import misspelt, options_of_roles
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import ClusterAction
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.option_values import faulty_values

LOOK_EVERY, TELL_EVERY = 1.0, 5.0  # seconds
ROLES = Path(__file__).resolve().parents[2] / "roles"


class ActionModule(ClusterAction):
    """Reads only."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return what the cluster is. Fail with every problem of the inventory at once, else with the cluster's."""
        problem = self._problem_of_options(args)
        if problem:
            return {"failed": True, "msg": problem}
        cluster, progress = self.connect(args)
        facts = _facts_with_a_node(cluster, Deadline(args["timeout"]), progress.tell)
        problem = _problem(facts, args)
        return {"failed": True, "msg": problem} if problem else {"changed": False, **vars(facts)}

    def _problem_of_options(self, args: dict[str, Any]) -> str:
        options = options_of_roles(ROLES)
        unknown = misspelt(self.variables, options) if args["check_names"] else []
        if unknown:
            return "the inventory has unknown options: " + "; ".join(unknown)
        faults = faulty_values(options, self.variables, self._variable) if args["check_values"] else []
        return "the inventory has values that are none for their options:\n" + "\n".join(faults) if faults else ""

    def notes(self, args: dict[str, Any], done: dict[str, Any]) -> dict[str, Any]:
        """Return what the cluster is."""
        return {CLUSTER: {key: done[key] for key in ("version", "kind", "nodes")}}


def _problem(facts: ClusterFacts, args: dict[str, Any]) -> str:
    """Return why the releases cannot be installed on such a cluster, or ''."""
    if args["minimum_kubernetes"] and older_than(facts.version, args["minimum_kubernetes"]):
        return (
            f"the cluster runs Kubernetes {facts.version}, older than {args['minimum_kubernetes']}, which "
            "preflight_minimum_kubernetes asks for. Upgrade the cluster, or set another minimum."
        )
    if facts.nodes and not facts.ready:
        return f"no node is Ready; see {kubectl(args['context'], args['kubeconfig'] or '')} describe nodes"
    return ""


def _facts_with_a_node(cluster: Cluster, deadline: Deadline, tell: Callable[[str], None]) -> ClusterFacts:
    """The facts once a node is Ready, or at the deadline: a restarted control plane misses its nodes for a moment."""
    told = -TELL_EVERY
    while True:
        facts = _facts(cluster, deadline)
        if facts.ready or not facts.nodes or deadline.passed:
            return facts
        if deadline.elapsed - told >= TELL_EVERY:
            told = deadline.elapsed
            tell(f"waiting for a node to be Ready, {deadline.elapsed:.0f} s of {deadline.seconds:.0f} s")
        time.sleep(min(LOOK_EVERY, deadline.remaining))


def _facts(cluster: Cluster, deadline: Deadline) -> ClusterFacts:
    version = cluster.get_path("/version", deadline=deadline)["gitVersion"]
    return cluster_facts(version, cluster.list("v1", "Node", deadline=deadline))
