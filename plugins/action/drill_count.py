# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Count the answers of each version of user; documented in plugins/modules/drill_count.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.settings import Settings
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.traffic import SECONDS, count
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.drill_action import DrillAction


class ActionModule(DrillAction):
    """Makes requests and changes nothing."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return the counts, with every request for the drill's report."""
        stage = self.stage(args, "traffic", SECONDS, write=False)
        if check:
            return {"changed": False, "msg": f"would make {args['requests']} requests"}
        wanted = {version: int(percent) for version, percent in args["wanted"].items()}
        found = count(stage, Settings(requests=args["requests"]), wanted)
        return {"changed": False, "count": found.as_json()}
