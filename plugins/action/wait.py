# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin: wait until objects are in the state they should be in. The logic is in module_utils/kube."""

from __future__ import annotations

import json
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import KubeError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.progress import Progress
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.targets import Target
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.waiting import wait_for

display = Display()

ARGUMENTS: dict[str, Any] = {
    "context": {"type": "str", "required": True},
    "kubeconfig": {"type": "path"},
    "for": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "api_version": {"type": "str", "required": True},
            "kind": {"type": "str", "required": True},
            "namespace": {"type": "str"},
            "name": {"type": "str"},
            "label_selector": {"type": "str"},
            "condition": {"type": "str"},
            "expression": {"type": "str"},
        },
    },
    "timeout": {"type": "int", "default": 300},
    "hopeless": {"type": "bool", "default": True},
}


class ActionModule(ActionBase):
    """Runs on the controller; never changes anything."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        validated = self.validate_argument_spec(ARGUMENTS)[1]
        args = json.loads(json.dumps(validated))  # plain values: no tags, no lazy containers
        deadline = Deadline(args["timeout"])
        try:
            targets = [Target.from_item(item) for item in args["for"]]
            if self._task.check_mode:
                result.update(changed=False, ready=[], msg=f"would wait for {len(targets)} target(s)", seconds=0)
                return result
            progress = Progress(display.display, args["context"])
            cluster = Cluster.connect(args["context"], args["kubeconfig"], progress.retry)
            wait_for(cluster, targets, deadline, progress.tell, args["hopeless"])
        except KubeError as error:
            raise AnsibleActionFail(f"context '{args['context']}': {error}") from error
        result.update(changed=False, ready=[str(target) for target in targets], seconds=round(deadline.elapsed, 2))
        return result
