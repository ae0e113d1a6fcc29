# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of the revisions that a Knative service has; documented in plugins/modules/todo_revisions.py."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import KubeError

ARGUMENTS = {
    "context": {"type": "str", "required": True},
    "kubeconfig": {"type": "path"},
    "namespace": {"type": "str", "required": True},
    "service": {"type": "str", "required": True},
}


class ActionModule(ActionBase):
    """Runs in the controller's process."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the revisions' names; none on a cluster without Knative."""
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENTS)
        try:
            revisions = Cluster.connect(args["context"], args["kubeconfig"] or None).list(
                "serving.knative.dev/v1",
                "Revision",
                namespace=args["namespace"],
                label_selector=f"serving.knative.dev/service={args['service']}",
            )
        except KubeError as error:
            return {**result, "failed": True, "msg": str(error)}
        return {**result, "changed": False, "revisions": sorted(item["metadata"]["name"] for item in revisions)}
