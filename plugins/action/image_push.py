# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Push an image from a layout to a registry; documented in plugins/modules/image_push.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.copy import Copied, push_layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.clients import Clients
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.image_action import ImageAction


class ActionModule(ImageAction):
    """See the module's documentation."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Push what the registry lacks; in check mode only ask."""
        copied = _push(args, check)
        return {
            "changed": copied.changed,
            "image": args["image"],
            "digest": copied.digest,
            "blobs_pushed": copied.blobs,
            "bytes_pushed": copied.bytes,
            "blobs_present": copied.skipped,
        }

    def subject(self, args: dict[str, Any]) -> str:
        """The image, which stands in no other part of the message."""
        return f"{args['image']}: "


def _push(args: dict[str, Any], check: bool) -> Copied:
    target = Reference.parse(args["image"])
    layout = Layout.open(Path(args["layout"]))
    policy = ImagePolicy.from_config(args["images"], args["rate_limit_wait"])
    registry = Clients(policy).of(target.registry)
    if not check:
        return push_layout(layout, args["name"], registry, target)
    digest = layout.find(args["name"]).digest
    return Copied(digest, changed=registry.has_manifest(target.repository, target.tag or digest) != digest)
