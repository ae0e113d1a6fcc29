# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a drill and tell what happened; documented in plugins/modules/drill.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.run import finish, run
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.settings import Settings
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.drill_action import DrillAction, interruptible


class ActionModule(DrillAction):
    """What it changes on the cluster it puts back, so it never reports a change."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return figures and files; a drill that did not show what it is to show fails."""
        drill = args["drill"]
        stage = self.stage(args, drill, args["timeout"], write=not check)
        if check:
            return {"changed": False, "msg": f"would make the drill {drill}"}
        settings = Settings(
            rate=args["rate"],
            load_workers=args["load_workers"],
            keep_alive=args["keep_alive"],
            cold_rounds=args["cold_rounds"],
            warm_requests=args["warm_requests"],
            hold_seconds=args["hold"],
            requests=args["requests"],
        )
        with interruptible():
            result = run(stage, drill, settings)
        lines, values = finish(result, Path(args["output"]), drill, stage.application.variant, stage.started)
        self.show(lines)
        return {"changed": False, **values}
