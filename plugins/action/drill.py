# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a drill and tell what happened; documented in plugins/modules/drill.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.run import RUNS, finish, run
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.settings import Settings
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.drill_action import (
    APPLICATION,
    DrillAction,
    interruptible,
    show,
    stage_of,
)


class ActionModule(DrillAction):
    """What it changes on the cluster it puts back, so it never reports a change."""

    arguments: ClassVar[dict[str, Any]] = {
        **APPLICATION,
        "drill": {"type": "str", "required": True, "choices": list(RUNS)},
        "output": {"type": "path", "required": True},
        "timeout": {"type": "int", "default": 1200},
        "rate": {"type": "float", "default": 10.0},
        "load_workers": {"type": "int", "default": 8},
        "keep_alive": {"type": "bool", "default": False},
        "cold_rounds": {"type": "int", "default": 3},
        "warm_requests": {"type": "int", "default": 30},
        "hold": {"type": "int", "default": 20},
    }

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return figures and files; a drill that did not show what it is to show fails."""
        drill = args["drill"]
        stage = stage_of(args, drill, args["timeout"], write=not check)
        if check:
            return {"changed": False, "msg": f"would make the drill {drill}"}
        settings = Settings(
            rate=args["rate"],
            load_workers=args["load_workers"],
            keep_alive=args["keep_alive"],
            cold_rounds=args["cold_rounds"],
            warm_requests=args["warm_requests"],
            hold_seconds=args["hold"],
        )
        with interruptible():
            result = run(stage, drill, settings)
        lines, values = finish(result, Path(args["output"]), drill, stage.application.variant, stage.started)
        show(lines)
        return {"changed": False, **values}
