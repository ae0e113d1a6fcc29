# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders, links and files of the lab in one step; documented in plugins/modules/lab_files.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.files import (
    Difference,
    Wanted,
    WantedFile,
    ensure_files,
)

FILE = {
    "path": {"type": "str", "required": True},
    "content": {"type": "str", "required": True},
    "mode": {"type": "str", "default": "0644"},
    "secret": {"type": "bool", "default": False, "no_log": False},
}

ARGUMENTS = {
    "directory": {"type": "path", "required": True},
    "folders": {"type": "dict", "default": {}},
    "links": {"type": "dict", "default": {}},
    "files": {"type": "list", "elements": "dict", "options": FILE, "default": []},
}


class ActionModule(ActionBase):
    """Runs in the controller's process."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Write what differs; in check mode only tell what that is."""
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENTS)
        wanted = Wanted(
            folders={name: int(mode, 8) for name, mode in args["folders"].items()},
            links=args["links"],
            files=tuple(WantedFile(file["path"], file["content"], int(file["mode"], 8)) for file in args["files"]),
        )
        try:
            found = ensure_files(Path(args["directory"]), wanted, self._task.check_mode)
        except OSError as error:
            return {**result, "failed": True, "msg": f"The files of the lab could not be written: {error}"}
        secret = {file["path"] for file in args["files"] if file["secret"]}
        result.update(changed=bool(found), written=[difference.path for difference in found])
        if self._task.diff:
            result["diff"] = [_shown(difference) for difference in found if difference.path not in secret]
        return result


def _shown(difference: Difference) -> dict[str, str]:
    return {
        "before_header": difference.path,
        "after_header": difference.path,
        "before": difference.before,
        "after": difference.after,
    }
