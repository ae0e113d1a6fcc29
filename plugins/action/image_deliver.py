# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliver planned images to nodes, or take them away; documented in plugins/modules/image_deliver.py."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.containerd_hosts import (
    host_files,
    without_login,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.delivery import (
    Delivered,
    deliver,
    take_away,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import ImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.mapping import Gate
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.node import Node

display = Display()

NODE = {
    "name": {"type": "str", "required": True},
    "exec": {"type": "list", "elements": "str", "required": True},
    "certs_dir": {"type": "str", "default": "/etc/containerd/certs.d"},
    "address": {"type": "str", "default": "/run/containerd/containerd.sock"},
    "namespace": {"type": "str", "default": "k8s.io"},
    "ctr": {"type": "list", "elements": "str", "default": ["ctr"]},
}
ARGUMENTS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "nodes": {"type": "list", "elements": "dict", "default": [], "options": NODE},
    "images": {"type": "dict", "default": {}},
    "plan": {"type": "list", "elements": "dict", "default": []},
    "layout": {"type": "path", "default": ""},
}


class ActionModule(ActionBase):
    """Runs in the controller's process, so that progress is seen while nodes pull."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Bring every node to the state; in check mode only tell what that would change."""
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENTS)
        start = time.monotonic()
        try:
            done = self._all(args)
        except (ImageError, OSError) as error:
            raise AnsibleActionFail(str(error)) from error
        result.update(
            changed=any(item.changed for item in done),
            nodes=[_described(item) for item in done],
            seconds=round(time.monotonic() - start, 1),
        )
        if self._task.diff:
            result["diff"] = [difference for item in done for difference in _differences(item)]
        return result

    def _all(self, args: dict[str, Any]) -> list[Delivered]:
        check = bool(self._task.check_mode)
        nodes = [Node.from_config(config) for config in args["nodes"]]
        if args["state"] == "absent":
            return [take_away(node, check=check) for node in nodes]
        layout = Layout.open(Path(args["layout"])) if args["layout"] else None
        if not nodes and layout:
            raise ImageError(
                "image_prefetch_nodes is empty, so there is no way to bring the images of a bundle to the nodes; "
                "name there how a command is run on each"
            )
        if not nodes:
            _report("No node can be reached by commands (image_prefetch_nodes is empty): images are delivered by their")
            _report("references alone, and the nodes must be able to pull them as they stand in the table.")
            return []
        files = host_files(Gate.from_config(args["images"]))
        images = {row["delivered"]: row["digest"] for row in args["plan"] if row["prefetch"]}
        return [deliver(node, files, images, check=check, report=_report, layout=layout) for node in nodes]


def _described(done: Delivered) -> dict[str, Any]:
    return {
        "name": done.node,
        "files": [change.name for change in done.files],
        "pulled": done.pulled,
        "removed": done.removed,
    }


def _differences(done: Delivered) -> list[dict[str, str]]:
    files = [
        {
            "before_header": f"{done.node}: {change.name}",
            "after_header": f"{done.node}: {change.name}",
            "before": without_login(change.before),
            "after": without_login(change.after),
        }
        for change in done.files
    ]
    names = [("", f"{name}\n") for name in done.pulled] + [(f"{name}\n", "") for name in done.removed]
    header = f"{done.node}: images"
    images = [
        {
            "before_header": header,
            "after_header": header,
            "before": "".join(before for before, _after in names),
            "after": "".join(after for _before, after in names),
        }
    ]
    return files + (images if names else [])


def _report(line: str) -> None:
    display.display(f"  {line}")
