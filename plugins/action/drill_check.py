# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a drill can be made; documented in plugins/modules/drill_check.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.application import user_shares
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.catalogue import DRILLS
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.drill_action import DrillAction

SECONDS = 60.0


class ActionModule(DrillAction):
    """Reads only, and asks for the page once."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return the variant, where requests go, and how user is shared."""
        drill = args["drill"]
        stage = self.stage(args, drill, SECONDS, write=False)
        application = stage.application
        plan = f"would {DRILLS[drill].does}; all at {application.address}, on the variant {application.variant}"
        if check:
            self.show([f"The drill {drill} {plan}"])
        return {
            "changed": False,
            "variant": application.variant,
            "address": str(application.address),
            "user_traffic": user_shares(stage.cluster, application) if drill == "traffic" else {},
            "plan": plan,
        }
