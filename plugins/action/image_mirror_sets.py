# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tells OpenShift's nodes the mirrors; documented in plugins/modules/image_mirror_sets.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.mirror_rollout import (
    plan_removal,
    plan_rollout,
)
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import ClusterAction

_SECONDS = 60


class ActionModule(ClusterAction):
    """Reads the cluster and changes nothing; the role applies what it returns."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return the objects, and what to wait for."""
        cluster, _progress = self.connect(args)
        deadline = Deadline(_SECONDS)
        if args["state"] == "present":
            # The base of a build is pulled by no node.
            images = [row["delivered"] for row in args["plan"] if not row["check_only"]]
            rollout = plan_rollout(cluster, ImagePolicy.from_config(args["images"]), images, args["drain"], deadline)
        else:
            rollout = plan_removal(cluster, args["drain"], deadline)
        for line in rollout.told:
            self.tell(line)
        for line in rollout.warnings:
            self.warn(line)
        return {
            "changed": False,
            "definitions": rollout.definitions,
            "drains": rollout.drains,
            "stands": rollout.stands,
            "kept": rollout.kept,
            "wait": rollout.waits,
            "wait_changed": rollout.waits_changed,
        }
