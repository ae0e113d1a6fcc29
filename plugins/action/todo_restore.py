# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore the todo application's database; documented in plugins/modules/todo_restore.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.database import Database
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.restore import inspect, restart_rule, restore
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import ClusterAction


class ActionModule(ClusterAction):
    """See the module's documentation."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return what was restored; in check mode the file is looked at and nothing is changed."""
        cluster, progress = self.connect(args)
        file, database = Path(args["file"]), Database(cluster, args["namespace"])
        if check:
            return {"changed": True, "size": inspect(database, file)}
        restored = restore(database, file, args["keep_former"], progress.tell)
        if restored.older:
            restart_rule(cluster, args["namespace"])
        rows = {name: table.rows for name, table in restored.tables.items()}
        return {"changed": True, "rows": rows, "former": restored.former}
