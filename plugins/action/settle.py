# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin: wait until releases are ready, and complete their upgrade or go back. The logic is in
module_utils/kube/upgrade."""

from __future__ import annotations

from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import ClusterAction
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.pending_waits import PendingWaits, by_release
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.settle_waits import settle_waits, targets_of


class ActionModule(ClusterAction):
    """Runs on the controller; the host of the task only stands for a context."""

    waits = True

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return what came true and what was done; in check mode at once."""
        watch = Deadline(0)
        targets_of(args)  # what is no target is told before anything is waited for
        nothing = {"changed": False, "ready": [], "done": [], "later": False, "seconds": 0}
        if check:
            return nothing
        pending = PendingWaits(args["context"], args["kubeconfig"])
        waits = [*(pending.take() if args["rest"] else []), *([args] if args["releases"] or args["for"] else [])]
        if not waits:
            return nothing
        if args["later"]:
            pending.put_off(by_release(args))
            return {**nothing, "later": True}
        cluster, progress = self.connect(args)
        lock = self.run_lock(cluster, progress, args["record_namespace"], args["lock_timeout"])
        ready, done = settle_waits(cluster, waits, self.variables, progress, lock)
        return {**nothing, "changed": bool(done), "ready": ready, "done": done, "seconds": round(watch.elapsed, 2)}
