# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Have webhooks see objects again; documented in plugins/modules/readmit.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.apply.readmission import readmit
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import ClusterAction


class ActionModule(ClusterAction):
    """See the module's documentation."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return the objects that a webhook completed, and those that none did."""
        deadline = Deadline(args["timeout"])
        cluster, _progress = self.connect(args)
        done = readmit(cluster, args["api_version"], args["kind"], args["expression"], check, deadline)
        completed, lacking = sorted(map(str, done.completed)), sorted(map(str, done.lacking))
        if lacking:
            self.warn(
                f"no webhook completed {', '.join(lacking)}: where the webhook configurations leave out the namespace, "
                "its owner completes them or makes them anew"
            )
        return {"changed": bool(completed), "completed": completed, "lacking": lacking}
