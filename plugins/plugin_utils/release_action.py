# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of the actions that apply or remove releases: the run's lock, the printed plan, and the result."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.run_lock import RunLock
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.brief import brief
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.outcome import Outcome
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.plan import Plan
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.progress import Progress
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.changes import changes_of
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.document import CHANGES
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import ClusterAction


class ReleaseAction(ClusterAction):
    """In check mode the plan is printed, and nothing is written."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return what became of the objects, with what it took."""
        watch = Deadline(0)
        cluster, progress = self.connect(args)
        lock = self.run_lock(cluster, progress, args["record_namespace"], args["lock_timeout"])
        outcome = self.work(cluster, args, check, progress, lock)
        for warning in outcome.warnings:
            self.warn(warning)
        return {
            **outcome.as_result(),
            "retries": cluster.transport.retries,
            "requests": cluster.transport.requests,
            "seconds": round(watch.elapsed, 2),
            "diff": outcome.differences,
        }

    def notes(self, args: dict[str, Any], done: dict[str, Any]) -> dict[str, Any]:
        """Return the plan of the release, or of those that were removed together."""
        name = args.get("name") or ", ".join(item["name"] for item in args["releases"])
        return {CHANGES: [changes_of(name, args.get("version") or "", done["plan"], done["left"])]}

    @abstractmethod
    def work(self, cluster: Cluster, args: dict[str, Any], check: bool, progress: Progress, lock: RunLock) -> Outcome:
        """Apply or remove, or in check mode plan and print the plan."""

    def show_plan(self, args: dict[str, Any], plan: Plan, state: str) -> None:
        """Print a plan that changes something, each object of it where differences or more words are asked for."""
        if plan.changes:
            title = f"{args['context']}: plan of release '{plan.release}', {state}"
            lines = plan.lines() if self._task.diff or self._display.verbosity else brief(plan)
            self.show([title, *(f"  {line}" for line in lines)])
