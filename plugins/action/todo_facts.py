# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the todo application stands on a cluster; documented in plugins/modules/todo_facts.py."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.scc import are_in_force
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.standing import standing
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import ClusterAction

_SECONDS = 60


class ActionModule(ClusterAction):
    """See the module's documentation."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return what stands; nothing of all on an empty cluster."""
        cluster, _progress = self.connect(args)
        scc = are_in_force(cluster, Deadline(_SECONDS))
        return {"changed": False, "scc": scc, **asdict(standing(cluster, args["namespace"]))}
