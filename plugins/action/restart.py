# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin: roll workloads whose pods fit an expression. The logic is in module_utils/kube/upgrade."""

from __future__ import annotations

from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.upgrade.restarting import restart, told
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import ClusterAction


class ActionModule(ClusterAction):
    """Runs on the controller; the host of the task only stands for a context."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return what was rolled and what stays."""
        cluster, progress = self.connect(args)
        with self.run_lock(cluster, progress, args["record_namespace"], args["lock_timeout"]).kept():
            result = restart(cluster, args["pods"], args["how"], check, Deadline(args["timeout"]), progress.tell)
        return {
            "changed": bool(result.done),
            "restarted": [str(ref) for ref in result.done],
            "left": list(told(result.left)),
        }
