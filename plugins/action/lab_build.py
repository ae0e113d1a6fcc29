# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the lab's components into the cache; documented in plugins/modules/lab_build.py."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.build import Builder
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.build_cache import BuildCache
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.catalogue import choose, parse_catalogue
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.errors import LabBuildError
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.documented_action import DocumentedAction
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.lab_cache import cache_directory


class ActionModule(DocumentedAction):
    """Runs long, and tells its progress while it works."""

    errors: ClassVar[tuple[type[Exception], ...]] = (LabBuildError,)

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Build what the cache lacks; in check mode only tell what that would be."""
        cache = BuildCache(Path(args["cache_directory"] or cache_directory()))
        components = choose(parse_catalogue(args["catalogue"]), args["components"])
        outcome = Builder(cache, Path(args["sources"]), self.tell).run(components, only_look=check)
        return {"changed": bool(outcome.built), **asdict(outcome)}
