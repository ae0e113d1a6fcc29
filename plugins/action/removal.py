# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin: remove several releases, all or none of them. The logic is in module_utils/kube/remove."""

from __future__ import annotations

from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.run_lock import RunLock
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.leaving.policy import LeavingPolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.leaving.rehearsal import AbsentOptions
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.outcome import Outcome
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.plan import Plan
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.progress import Progress
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.remove.absent import remove_releases
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.release_action import ReleaseAction


class ActionModule(ReleaseAction):
    """Runs on the controller; the host of the task only stands for a context."""

    def work(self, cluster: Cluster, args: dict[str, Any], check: bool, progress: Progress, lock: RunLock) -> Outcome:
        """Remove the releases."""
        leaving = [_options(item) for item in args["releases"]]
        place = args["record_namespace"]
        plans = remove_releases(cluster, leaving, progress.tell, lock, record_namespace=place, check_mode=check)
        together = Plan(", ".join(plan.release for plan in plans))
        for plan in plans:
            together.add(plan)
            if check:
                self.show_plan(args, plan, "absent")
        return Outcome.of(together)


def _options(item: dict[str, Any]) -> AbsentOptions:
    policy = {name: value for name, value in item.items() if name not in ("name", "timeout", "beside")}
    return AbsentOptions(item["name"], LeavingPolicy(**policy), item["timeout"], item["beside"])
