# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check that this machine can carry the lab; documented in plugins/modules/lab_preflight.py."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.machine import GIB, Demands, judge
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.documented_action import DocumentedAction

ADVICE = (
    "The embedded lab cannot run here until this is put right. It is only a stand-in for a cluster of your own: "
    "with one, use its inventory instead, as in: ansible-playbook site.yml -i inventories/docker-desktop"
)


class ActionModule(DocumentedAction):
    """Reads only."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Fail with every problem at once."""
        demands = Demands(
            directory=Path(args["directory"]),
            cache_directory=Path(args["cache_directory"]),
            name=args["name"],
            address=args["address"],
            ports=tuple(args["ports"]),
            tools=args["tools"],
            memory=int(args["memory"] * GIB),
            disk=int(args["disk"] * GIB),
            kubernetes=args["kubernetes"],
            runtime=args["runtime"],
        )
        verdict = judge(demands)
        if verdict.problems:
            lines = [*(f"- {problem}" for problem in verdict.problems), ADVICE]
            return {**asdict(verdict), "failed": True, "msg": "\n".join(lines)}
        return {**asdict(verdict), "changed": False}
