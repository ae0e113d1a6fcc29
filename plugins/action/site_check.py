# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that a cluster can take the documents of a run; documented in plugins/modules/site_check.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.content.rendered import read_rendered
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.desired.documents import flatten
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.obstacles import (
    Planned,
    obstacles,
    to_apply,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.present.existing import ExistingPolicy
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import (
    RECORD_NAMESPACE,
    ClusterAction,
)


class ActionModule(ClusterAction):
    """Reads only."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return how many documents there are. Fail with every obstacle at once."""
        cluster, _progress = self.connect(args)
        deadline = Deadline(args["timeout"])
        planned = [
            Planned(
                release["name"],
                [document for path in release["manifests"] for document in flatten(read_rendered(path), path)],
                ExistingPolicy(**(release["existing"] or {})),
            )
            for release in args["releases"]
        ]
        wanted = to_apply(cluster, planned, RECORD_NAMESPACE, deadline)
        found, warnings = obstacles(cluster, wanted, RECORD_NAMESPACE, deadline)
        for warning in warnings:
            self.warn(warning)
        if found:
            lines = "\n".join(found)
            return {"failed": True, "msg": f"nothing was changed, because the run would not come to its end:\n{lines}"}
        return {"changed": False, "documents": len(wanted.documents)}
