# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin: wait until releases are ready, and complete their upgrade or go back. The logic is in
module_utils/kube/upgrade."""

from __future__ import annotations

from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.progress import Progress
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.upgrade.settling import (
    Jobs,
    Settling,
    settle,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.targets import Target
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import ClusterAction
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.manifest_files import documents_of


class ActionModule(ClusterAction):
    """Runs on the controller; the host of the task only stands for a context."""

    waits = True

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return what came true and what was done; in check mode at once."""
        watch = Deadline(0)
        targets = [Target.from_item(item) for item in args["for"]]
        if check:
            return {"changed": False, "ready": [], "done": [], "seconds": 0}
        cluster, progress = self.connect(args)
        settling = Settling(
            tuple(item["name"] for item in args["releases"]),
            tuple(self._jobs(cluster, item, args, progress) for item in args["releases"]),
            args["rollback"],
            args["role"],
            args["record_namespace"],
            args["timeout"],
            args["hopeless"],
        )
        lock = self.run_lock(cluster, progress, args["record_namespace"], args["lock_timeout"])
        with lock.kept():
            done = settle(cluster, targets, settling, progress.tell, lock)
        for line in done:
            progress.tell(line)
        return {
            "changed": bool(done),
            "ready": [str(target) for target in targets],
            "done": done,
            "seconds": round(watch.elapsed, 2),
        }

    def _jobs(self, cluster: Cluster, item: dict[str, Any], args: dict[str, Any], progress: Progress) -> Jobs:
        documents = documents_of(cluster, item["jobs"], [], args, self.variables, False, progress.tell)
        return Jobs(item["name"], item["version"], documents, tuple(item["unmigrated"]))
