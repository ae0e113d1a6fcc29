# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Back up the todo application's database; documented in plugins/modules/todo_backup.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import KubeError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.progress import Progress
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.backup import back_up
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.database import Database

display = Display()

ARGUMENTS = {
    "context": {"type": "str", "required": True},
    "kubeconfig": {"type": "path"},
    "namespace": {"type": "str", "required": True},
    "file": {"type": "path", "required": True},
}


class ActionModule(ActionBase):
    """Runs in the controller's process."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the finished backup; in check mode only where it would be."""
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENTS)
        result.update(changed=True, file=str(Path(args["file"]).absolute()))
        if self._task.check_mode:
            return result
        progress = Progress(display.display, args["context"])
        try:
            cluster = Cluster.connect(args["context"], args["kubeconfig"] or None, progress.retry)
            backup = back_up(Database(cluster, args["namespace"]), Path(result["file"]), progress.tell)
        except (KubeError, OSError) as error:
            return {**result, "failed": True, "changed": False, "msg": f"context '{args['context']}': {error}"}
        rows = {name: table.rows for name, table in backup.tables.items()}
        return {**result, "size": backup.size, "sha256": backup.sha256, "rows": rows}
