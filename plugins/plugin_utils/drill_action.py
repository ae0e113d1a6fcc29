# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions of the drills have in common: the cluster and the application, and one failure for all errors."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, ClassVar

from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.application import Endpoints, Gateway
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.errors import DrillError, Interrupted
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.run import prepare
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.stage import Stage
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.commands import kubectl
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import ClusterAction
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.interruption import ending_by


class DrillAction(ClusterAction):
    """An action of a drill; the requests come from the controller's process."""

    errors: ClassVar[tuple[type[Exception], ...]] = (DrillError, *ClusterAction.errors)

    def stage(self, args: dict[str, Any], drill: str, timeout: float, write: bool) -> Stage:
        """The checked stage of a drill. With `write`, what a killed drill left behind is put back first."""
        cluster, progress = self.connect(args)
        endpoints = Endpoints(
            args["gateway_address"],
            args["node_address"],
            Gateway(args["gateway"]["namespace"], args["gateway"]["name"]),
            kubectl(args["context"], args["kubeconfig"] or ""),
        )
        return prepare(cluster, drill, args["namespace"], endpoints, progress.tell, Deadline(timeout), write)


def interruptible() -> AbstractContextManager[None]:
    """A block that Ctrl-C ends as an error: then what was changed is put back."""
    return ending_by(Interrupted, "what the drill had changed is put back")
