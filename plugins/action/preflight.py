# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the inventory and the cluster before anything changes; documented in plugins/modules/preflight.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import KubeError
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.cluster_facts import (
    ClusterFacts,
    cluster_facts,
    older_than,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.option_names import misspelt, options_of_roles

ROLES = Path(__file__).resolve().parents[2] / "roles"

ARGUMENTS = {
    "context": {"type": "str", "required": True},
    "kubeconfig": {"type": "path"},
    "minimum_kubernetes": {"type": "str", "required": True},
    "check_names": {"type": "bool", "default": True},
}


class ActionModule(ActionBase):
    """Runs in the controller's process."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Fail with every problem of the inventory at once, or with what is wrong with the cluster."""
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENTS)
        if args["check_names"]:
            problems = misspelt(task_vars or {}, options_of_roles(ROLES))
            if problems:
                return {**result, "failed": True, "msg": "The inventory has unknown options: " + "; ".join(problems)}
        try:
            facts = _facts(Cluster.connect(args["context"], args["kubeconfig"] or None))
            too_old = older_than(facts.version, args["minimum_kubernetes"])
        except (KubeError, ValueError) as error:
            return {**result, "failed": True, "msg": str(error)}
        if too_old:
            problem = (
                f"Context {args['context']} runs Kubernetes {facts.version}, older than {args['minimum_kubernetes']}, "
                "the oldest that the chosen releases run on. Upgrade the cluster, or choose older releases and set "
                "preflight_minimum_kubernetes."
            )
            return {**result, "failed": True, "msg": problem}
        if facts.nodes and not facts.ready:
            context = args["context"]
            problem = f"Context {context} has no node that is Ready; see kubectl --context {context} describe nodes"
            return {**result, "failed": True, "msg": problem}
        return {**result, "changed": False, **vars(facts)}


def _facts(cluster: Cluster) -> ClusterFacts:
    return cluster_facts(cluster.get_path("/version")["gitVersion"], cluster.list("v1", "Node"))
