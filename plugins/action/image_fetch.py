# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetch planned images into a layout; documented in plugins/modules/image_fetch.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.fetch import (
    Limits,
    fetch_images,
    is_complete,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.rows import wanted_of
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.clients import Clients
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.image_action import ImageAction


class ActionModule(ImageAction):
    """See the module's documentation."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Fetch what the layout lacks; in check mode only tell what that is."""
        policy = ImagePolicy.from_config(args["images"], args["rate_limit_wait"])
        wanted = wanted_of(args["plan"], policy, args["architectures"])
        directory = Path(args["layout"])
        if check and not directory.exists():
            lacking = [item.name for item in wanted]
        else:
            layout = Layout.create(directory)
            lacking = [item.name for item in wanted if not is_complete(layout, item)]
        names = sorted(item.name for item in wanted)
        answer = {"changed": bool(lacking), "layout": str(directory), "images": names, "fetched": lacking, "bytes": 0}
        if lacking and not check:
            limits = Limits(args["parallel"], args["parallel_per_host"])
            answer["bytes"] = fetch_images(wanted, layout, Clients(policy), limits, self.tell).bytes
        return answer
