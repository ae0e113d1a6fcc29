# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the todo application's image and push it; documented in plugins/modules/todo_build.py."""

from __future__ import annotations

import tempfile
import time
import uuid
from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.copy import push_layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.clients import Clients
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.build import Recipe, alone, build_layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.builder import BuilderError, choose_builder
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.registries import find_image
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.image_action import ImageAction


class ActionModule(ImageAction):
    """Runs in the controller's process: contexts that want the same image at the same time have it built once."""

    errors: ClassVar[tuple[type[Exception], ...]] = (*ImageAction.errors, BuilderError)

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return the image's digest. Nothing is built in check mode."""
        start = time.monotonic()
        if check:
            return {"changed": True, "digest": "", "seconds": 0.0}
        policy = ImagePolicy.from_config(args["images"], args["rate_limit_wait"])
        with alone(args["image"], self.tell):
            # Another context's run may have built it while this one waited.
            digest = find_image(args["image"], policy)
            built = not digest
            if built:
                digest = self._build(args, policy)
        return {"changed": built, "digest": digest, "seconds": round(time.monotonic() - start, 1)}

    def _build(self, args: dict[str, Any], policy: ImagePolicy) -> str:
        builder = choose_builder(args["builder"])
        recipe = Recipe(
            Path(args["sources"]),
            Path(args["dockerfile"]),
            args["base"],
            args["base_plain_http"],
            args["index"],
            args["ca_file"],
        )
        target = Reference.parse(args["image"])
        named = builder.kind if builder.kind == builder.program else f"{builder.program}, which is {builder.kind}"
        self.tell(f"building {args['image']} with {named}")
        with tempfile.TemporaryDirectory(prefix="todo-") as folder:
            layout = build_layout(builder, recipe, Path(folder), uuid.uuid4().hex)
            return push_layout(Layout.open(layout), "", Clients(policy).of(target.registry), target).digest

    def subject(self, args: dict[str, Any]) -> str:
        """The image, which stands in no other part of the message."""
        return f"{args['image']}: "
