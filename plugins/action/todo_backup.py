# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Back up the todo application's database; documented in plugins/modules/todo_backup.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.backup import back_up
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.database import Database
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import ClusterAction


class ActionModule(ClusterAction):
    """See the module's documentation."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return the finished backup; in check mode only where it would be."""
        file = Path(args["file"]).absolute()
        answer = {"changed": True, "file": str(file)}
        if check:
            return answer
        cluster, progress = self.connect(args)
        backup = back_up(Database(cluster, args["namespace"]), file, progress.tell)
        rows = {name: table.rows for name, table in backup.tables.items()}
        return {**answer, "size": backup.size, "sha256": backup.sha256, "rows": rows}
