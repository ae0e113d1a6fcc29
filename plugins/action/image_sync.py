# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copy planned images into a registry of one's own; documented in plugins/modules/image_sync.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.fetch import Limits
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.sync import (
    lacking_in,
    mirror_variables,
    place_in,
    sync_images,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.rows import wanted_of
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.clients import Clients
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.image_action import ImageAction


class ActionModule(ImageAction):
    """See the module's documentation."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Copy what the registry lacks; in check mode only ask it."""
        policy = ImagePolicy.from_config(args["images"], args["rate_limit_wait"])
        wanted = wanted_of(args["plan"], policy, args["architectures"])
        clients, target = Clients(policy), args["to"]
        place_in(target, "check/it")
        names = [item.name for item in wanted]
        answer: dict[str, Any] = {
            "images": {name: str(place_in(target, name)) for name in names},
            "variables": mirror_variables(target, names),
            "bytes": 0,
        }
        if check:
            copied = [item.name for item in lacking_in(wanted, clients.of(target.partition("/")[0]), target)]
        else:
            limits = Limits(args["parallel"], args["parallel_per_host"])
            done = sync_images(wanted, target, Layout.create(Path(args["layout"])), clients, limits, self.tell)
            copied, answer["bytes"] = done.copied, done.bytes
        return {**answer, "copied": copied, "changed": bool(copied)}
