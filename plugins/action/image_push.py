# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Push an image from a layout to a registry; documented in plugins/modules/image_push.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy import Copied, push_layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import ImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.mapping import Gate
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry import Registry

ARGUMENTS: dict[str, Any] = {
    "layout": {"type": "path", "required": True},
    "name": {"type": "str", "default": ""},
    "image": {"type": "str", "required": True},
    "images": {"type": "dict", "default": {}},
}


class ActionModule(ActionBase):
    """Runs in the controller's process, where alone the registry's password is read."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Push what the registry lacks; in check mode only ask."""
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENTS)
        try:
            copied = _push(args, bool(self._task.check_mode))
        except (ImageError, OSError) as error:
            raise AnsibleActionFail(f"{args['image']}: {error}") from error
        result.update(
            changed=copied.changed,
            image=args["image"],
            digest=copied.digest,
            blobs_pushed=copied.blobs,
            bytes_pushed=copied.bytes,
            blobs_present=copied.skipped,
        )
        return result


def _push(args: dict[str, Any], check: bool) -> Copied:
    target = Reference.parse(args["image"])
    layout = Layout.open(Path(args["layout"]))
    registry = Registry(target.registry, Gate.from_config(args["images"]).settings(target.registry))
    if not check:
        return push_layout(layout, args["name"], registry, target)
    digest = layout.find(args["name"]).digest
    return Copied(digest, changed=registry.has_manifest(target.repository, target.tag or digest) != digest)
