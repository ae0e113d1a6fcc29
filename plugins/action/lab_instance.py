# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start and stop the lab; documented in plugins/modules/lab_instance.py."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.errors import LabStartError
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.instance import Change, Instance
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.documented_action import DocumentedAction


class ActionModule(DocumentedAction):
    """Starts and stops processes of this machine."""

    errors: ClassVar[tuple[type[Exception], ...]] = (LabStartError, OSError)

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Bring the lab to the state, and return how it is afterwards."""
        instance = Instance(Path(args["directory"]), args["name"], args["server"], args["node"])
        change = _change(instance, args["state"], args["timeout"], check)
        programs = [asdict(program) for program in instance.programs()]
        return {**asdict(change), "init": instance.init or 0, "programs": programs}


def _change(instance: Instance, state: str, timeout: int, check: bool) -> Change:
    if state == "status":
        return Change()
    if check:
        return Change(changed=(instance.init is None) == (state == "started"))
    if state == "killed":
        return instance.kill()
    return instance.start(timeout) if state == "started" else instance.stop(timeout)
