# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin: wait until objects are in the state they should be in. The logic is in module_utils/kube."""

from __future__ import annotations

from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.targets import Target
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.waiting import wait_for
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import ClusterAction


class ActionModule(ClusterAction):
    """Runs on the controller; never changes anything."""

    waits = True

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return what came true; in check mode at once."""
        deadline = Deadline(args["timeout"])
        targets = [Target.from_item(item) for item in args["for"]]
        if check:
            return {"changed": False, "ready": [], "msg": f"would wait for {len(targets)} target(s)", "seconds": 0}
        cluster, progress = self.connect(args)
        with self.run_lock(cluster, progress).kept():
            wait_for(cluster, targets, deadline, progress.tell, args["hopeless"])
        return {"changed": False, "ready": [str(target) for target in targets], "seconds": round(deadline.elapsed, 2)}
