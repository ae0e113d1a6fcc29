# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the todo application stands on a cluster; documented in plugins/modules/todo_facts.py."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import KubeError
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.standing import standing

ARGUMENTS = {
    "context": {"type": "str", "required": True},
    "kubeconfig": {"type": "path"},
    "namespace": {"type": "str", "required": True},
}


class ActionModule(ActionBase):
    """Runs in the controller's process."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what stands; nothing of all on an empty cluster."""
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENTS)
        try:
            cluster = Cluster.connect(args["context"], args["kubeconfig"] or None)
            found = standing(cluster, args["namespace"])
        except KubeError as error:
            return {**result, "failed": True, "msg": str(error)}
        return {
            **result,
            "changed": False,
            "runs_on": found.runs_on,
            "database": found.database,
            "revisions": found.revisions,
        }
