# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore the todo application's database; documented in plugins/modules/todo_restore.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import KubeError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.progress import Progress
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.database import Database
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.restore import inspect, restart_rule, restore

display = Display()

ARGUMENTS = {
    "context": {"type": "str", "required": True},
    "kubeconfig": {"type": "path"},
    "namespace": {"type": "str", "required": True},
    "file": {"type": "path", "required": True},
    "keep_former": {"type": "bool", "default": True},
}


class ActionModule(ActionBase):
    """Runs in the controller's process."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return what was restored; in check mode the file is looked at and nothing is changed."""
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENTS)
        file, namespace = Path(args["file"]), args["namespace"]
        progress = Progress(display.display, args["context"])
        try:
            cluster = Cluster.connect(args["context"], args["kubeconfig"] or None, progress.retry)
            database = Database(cluster, namespace)
            if self._task.check_mode:
                return {**result, "changed": True, "size": inspect(database, file)}
            restored = restore(database, file, args["keep_former"], progress.tell)
            if restored.older:
                restart_rule(cluster, namespace)
        except (KubeError, OSError) as error:
            return {**result, "failed": True, "msg": f"context '{args['context']}': {error}"}
        rows = {name: table.rows for name, table in restored.tables.items()}
        return {**result, "changed": True, "rows": rows, "former": restored.former}
