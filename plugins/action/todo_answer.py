# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until the todo application answers; documented in plugins/modules/todo_answer.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.answer import WayIn, await_answer
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import ClusterAction


class ActionModule(ClusterAction):
    """See the module's documentation."""

    waits = True

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return where the application answered; in check mode nothing is asked."""
        if check:
            return {"changed": False, "where": "", "seconds": 0.0}
        deadline = Deadline(args["timeout"])
        cluster, progress = self.connect(args)
        way = WayIn(args["namespace"], args["service"], args["host"], args["address"])
        with self.run_lock(cluster, progress).kept():
            where = await_answer(cluster, way, deadline, progress.tell)
        return {"changed": False, "where": where, "seconds": round(deadline.elapsed, 2)}
