# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until metrics-server has figures of every node; documented in plugins/modules/node_metrics.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import ClusterAction
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.node_figures import await_figures


class ActionModule(ClusterAction):
    """Reads only."""

    waits = True

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return once every Ready node has figures; in check mode at once."""
        if check:
            return {"changed": False, "msg": "would wait for the figures of all nodes"}
        watch = Deadline(args["timeout"])
        cluster, progress = self.connect(args)
        with self.run_lock(cluster, progress).kept():
            passed = await_figures(cluster, args["context"], args["kubeconfig"], args["timeout"], progress)
        return {"changed": False, "seconds": round(watch.elapsed, 1), "passed_over": passed}
