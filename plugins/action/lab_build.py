# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the lab's components into the cache; documented in plugins/modules/lab_build.py."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.build import Builder
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.build_cache import BuildCache
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.catalogue import choose, parse_catalogue
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.errors import LabBuildError

ARGUMENTS = {
    "catalogue": {"type": "dict", "required": True},
    "components": {"type": "list", "elements": "str", "default": []},
    "sources": {"type": "path", "required": True},
    "cache_directory": {"type": "path"},
}


class ActionModule(ActionBase):
    """Runs in the controller's process, so that its progress is seen while it works."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Build what the cache lacks; in check mode only tell what that would be."""
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENTS)
        cache = BuildCache(Path(args["cache_directory"] or _default_cache_directory()))
        try:
            components = choose(parse_catalogue(args["catalogue"]), args["components"])
            outcome = Builder(cache, Path(args["sources"]), _report).run(components, only_look=self._task.check_mode)
        except LabBuildError as error:
            return {**result, "failed": True, "msg": str(error)}
        return {**result, "changed": bool(outcome.built), **asdict(outcome)}


def _report(line: str) -> None:
    Display().display(f"  {line}")


def _default_cache_directory() -> Path:
    """Follow the XDG base directory specification."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "selfhosted-serverless"
