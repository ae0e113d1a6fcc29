# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folders, links and files of the lab in one step; documented in plugins/modules/lab_files.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.files import (
    Difference,
    Wanted,
    WantedFile,
    ensure_files,
)
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.documented_action import DocumentedAction


class ActionModule(DocumentedAction):
    """Writes on the controller."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Write what differs; in check mode only tell what that is."""
        wanted = Wanted(
            folders={name: int(mode, 8) for name, mode in args["folders"].items()},
            links=args["links"],
            files=tuple(WantedFile(file["path"], file["content"], int(file["mode"], 8)) for file in args["files"]),
        )
        found = ensure_files(Path(args["directory"]), wanted, check)
        secret = {file["path"] for file in args["files"] if file["secret"]}
        return {
            "changed": bool(found),
            "written": [difference.path for difference in found],
            "diff": [_shown(difference) for difference in found if difference.path not in secret],
        }

    def subject(self, args: dict[str, Any]) -> str:
        """The folder is in the system's message already."""
        return "the files of the lab could not be written: "


def _shown(difference: Difference) -> dict[str, str]:
    return {
        "before_header": difference.path,
        "after_header": difference.path,
        "before": difference.before,
        "after": difference.after,
    }
