# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that this machine can carry the lab; documented in plugins/modules/lab_preflight.py."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.machine import GIB, Demands, judge

ADVICE = (
    "The embedded lab cannot run here until this is put right. It is only a stand-in for a cluster of your own: "
    "with one, use its inventory instead, as in: ansible-playbook site.yml -i inventories/docker-desktop"
)

ARGUMENTS = {
    "directory": {"type": "path", "required": True},
    "cache_directory": {"type": "path", "required": True},
    "name": {"type": "str", "required": True},
    "address": {"type": "str", "required": True},
    "ports": {"type": "list", "elements": "int", "required": True},
    "tools": {"type": "dict", "required": True},
    "memory": {"type": "float", "default": 6},
    "disk": {"type": "float", "default": 15},
}


class ActionModule(ActionBase):
    """Runs in the controller's process."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Fail with every problem at once."""
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENTS)
        demands = Demands(
            directory=Path(args["directory"]),
            cache_directory=Path(args["cache_directory"]),
            name=args["name"],
            address=args["address"],
            ports=tuple(args["ports"]),
            tools=args["tools"],
            memory=int(args["memory"] * GIB),
            disk=int(args["disk"] * GIB),
        )
        verdict = judge(demands)
        if verdict.problems:
            lines = [*(f"- {problem}" for problem in verdict.problems), ADVICE]
            return {**result, **asdict(verdict), "failed": True, "msg": "\n".join(lines)}
        return {**result, **asdict(verdict), "changed": False}
