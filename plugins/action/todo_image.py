# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell the todo application's image by its sources; documented in plugins/modules/todo_image.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import ImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.secret_source import SecretSourceError
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.build_key import build_key
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.builder import BuilderError, choose_builder
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.registries import Base, find_base, find_image

ARGUMENTS = {
    "sources": {"type": "path", "required": True},
    "dockerfile": {"type": "path", "required": True},
    "base": {"type": "str", "required": True},
    "builder": {"type": "str", "choices": ["auto", "buildah", "docker"], "default": "auto"},
    "registry": {"type": "str", "required": True},
    "repository": {"type": "str", "required": True},
    "images": {"type": "dict", "default": {}},
}


class ActionModule(ActionBase):
    """Runs in the controller's process."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the image's name, key and digest, and how it would be built where it is missing."""
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENTS)
        if not args["registry"]:
            problem = (
                "There is no registry for the todo application's image: set serverless_registry (or todo_registry) "
                "to one that you may push to, or todo_image to an image that is there already."
            )
            return {**result, "failed": True, "msg": problem}
        try:
            return {**result, "changed": False, **_look(args)}
        except (ImageError, SecretSourceError, BuilderError, OSError) as error:
            return {**result, "failed": True, "msg": str(error)}


def _look(args: dict[str, Any]) -> dict[str, Any]:
    key = build_key(Path(args["sources"]), Path(args["dockerfile"]), [args["base"]])
    name = f"{args['registry']}/{args['repository']}"
    policy = ImagePolicy.from_config(args["images"])
    digest = find_image(f"{name}:{key}", policy)
    base, builder = Base("", False), ""
    if not digest:
        builder = choose_builder(args["builder"])
        base = find_base(args["base"], policy)
    return {
        "key": key,
        "image": name,
        "digest": digest,
        "builder": builder,
        "base": base.reference,
        "base_plain_http": base.plain_http,
    }
