# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start and stop the lab; documented in plugins/modules/lab_instance.py."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.errors import LabStartError
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.instance import Change, Instance

ARGUMENTS = {
    "directory": {"type": "path", "required": True},
    "name": {"type": "str", "required": True},
    "server": {"type": "str", "required": True},
    "node": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["started", "stopped", "killed", "status"], "default": "status"},
    "timeout": {"type": "int", "default": 180},
}


class ActionModule(ActionBase):
    """Runs in the controller's process."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Bring the lab to the state, and return how it is afterwards."""
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENTS)
        instance = Instance(Path(args["directory"]), args["name"], args["server"], args["node"])
        try:
            change = self._change(instance, args["state"], args["timeout"])
        except (LabStartError, OSError) as error:
            return {**result, "failed": True, "msg": str(error)}
        programs = [asdict(program) for program in instance.programs()]
        return {**result, **asdict(change), "init": instance.init or 0, "programs": programs}

    def _change(self, instance: Instance, state: str, timeout: int) -> Change:
        if state == "status":
            return Change()
        if self._task.check_mode:
            return Change(changed=(instance.init is None) == (state == "started"))
        if state == "killed":
            return instance.kill()
        return instance.start(timeout) if state == "started" else instance.stop(timeout)
