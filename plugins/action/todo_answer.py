# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until the todo application answers; documented in plugins/modules/todo_answer.py."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import KubeError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.progress import Progress
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.answer import WayIn, await_answer

display = Display()

ARGUMENTS = {
    "context": {"type": "str", "required": True},
    "kubeconfig": {"type": "path"},
    "namespace": {"type": "str", "required": True},
    "service": {"type": "str", "required": True},
    "host": {"type": "str", "default": ""},
    "address": {"type": "str", "default": ""},
    "timeout": {"type": "int", "default": 300},
}


class ActionModule(ActionBase):
    """Runs in the controller's process."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return where the application answered; in check mode nothing is asked."""
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENTS)
        if self._task.check_mode:
            return {**result, "changed": False, "where": "", "seconds": 0.0}
        progress = Progress(display.display, args["context"])
        deadline = Deadline(args["timeout"])
        way = WayIn(args["namespace"], args["service"], args["host"], args["address"])
        try:
            cluster = Cluster.connect(args["context"], args["kubeconfig"] or None, progress.retry)
            where = await_answer(cluster, way, deadline, progress.tell)
        except KubeError as error:
            return {**result, "failed": True, "msg": f"context '{args['context']}': {error}"}
        return {**result, "changed": False, "where": where, "seconds": round(deadline.elapsed, 2)}
