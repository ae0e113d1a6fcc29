# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell the todo application's image by its sources; documented in plugins/modules/todo_image.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import ImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.architecture import built_for, check_nodes
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.build_key import build_key
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.builder import BuilderError, choose_builder
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.index import authorities_of, check_index
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.registries import (
    Base,
    find_base,
    inspect_image,
)
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.image_action import ImageAction

# Builders that are in the network of this machine; the daemons of others may be elsewhere
ON_THIS_MACHINE = ("buildah", "podman")


class ActionModule(ImageAction):
    """Asks registries and changes nothing."""

    errors: ClassVar[tuple[type[Exception], ...]] = (*ImageAction.errors, BuilderError)

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return the image's name, key and digest, and how it would be built where it is missing."""
        if not args["registry"]:
            raise ImageError(
                "there is no registry for the todo application's image: set serverless_registry to one that you may "
                "push to, or todo_image to an image that is there already"
            )
        found, warning = _look(args)
        if warning:
            self.warn(warning)
        return {"changed": False, **found}


def _look(args: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Return the result, and a warning about nodes that the image is not for."""
    warning = ""
    key = build_key(Path(args["sources"]), Path(args["dockerfile"]), [args["base"]])
    name = f"{args['registry']}/{args['repository']}"
    policy = ImagePolicy.from_config(args["images"], args["rate_limit_wait"])
    image = inspect_image(f"{name}:{key}", policy)
    base, builder, nodes = Base("", False), "", args["architectures"]
    if image:
        warning = check_nodes(f"{name}:{key}", image.architectures, nodes)
    else:
        authorities_of(args["ca_file"])  # every builder is given them, not only those that the index is asked for
        chosen = choose_builder(args["builder"])
        builder = chosen.kind
        warning = check_nodes(f"the todo application's image, as {builder} builds it here,", [built_for(chosen)], nodes)
        base = find_base(args["base"], policy)
        if builder in ON_THIS_MACHINE:
            check_index(args["index"], Path(args["sources"], "requirements.txt"), args["ca_file"])
    found = {
        "key": key,
        "image": name,
        "digest": image.digest if image else "",
        "builder": builder,
        "base": base.reference,
        "base_plain_http": base.plain_http,
    }
    return found, warning
