# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell what the drill traffic found; documented in plugins/modules/drill_report.py."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.run import finish
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.traffic import Count, summarize
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.drill_action import DrillAction


class ActionModule(DrillAction):
    """Asks no cluster."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return figures and files; shares that are not as wanted fail."""
        counts = [Count.from_json(values) for values in args["counts"]]
        started = datetime.fromtimestamp(counts[0].started, UTC)
        result = summarize(counts, args["variant"])
        lines, values = finish(result, Path(args["output"]), "traffic", args["variant"], started)
        self.show(lines)
        return {"changed": False, **values}
