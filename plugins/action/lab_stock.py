# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the lab's images and stock its mirror with them; documented in plugins/modules/lab_stock.py."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.errors import LabImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.mirror import Mirror
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.recipes import ImageRecipe, parse_recipes
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.sources import Sources
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.store import CachedImage, ImageStore

ARGUMENTS = {
    "layers": {"type": "dict", "required": True},
    "recipes": {"type": "dict", "required": True},
    "images": {"type": "list", "elements": "str", "default": []},
    "archives": {"type": "list", "elements": "str", "default": []},
    "components": {"type": "dict", "required": True},
    "files": {"type": "path", "required": True},
    "mirror": {"type": "str"},
    "debian_sources": {"type": "list", "elements": "str", "default": []},
    "cache_directory": {"type": "path"},
}
# Names of machine types in images (GOARCH), by what the kernel calls them.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class ActionModule(ActionBase):
    """Runs in the controller's process, so that its progress is seen while it works."""

    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Make what the cache lacks and push what the mirror lacks; in check mode only tell what that would be."""
        result = super().run(tmp, task_vars)
        _validation, args = self.validate_argument_spec(argument_spec=ARGUMENTS)
        start = time.monotonic()
        try:
            recipes = parse_recipes(args["layers"], args["recipes"])
            chosen = recipes.choose(args["images"])
            components = {name: Path(path) for name, path in args["components"].items()}
            sources = Sources(components, Path(args["files"]))
            cache = Path(args["cache_directory"] or _default_cache_directory())
            store = ImageStore(cache, recipes, sources, _architecture(), args["debian_sources"], _report)
            mirror = Mirror(args["mirror"], _report) if args["mirror"] else None
            if self._task.check_mode:
                return {**result, **_foreseen(store, chosen, mirror)}
            images = store.ensure(chosen)
            pushed = mirror.stock(images) if mirror else set()
            archives = {image.name: str(store.archive(image)) for image in images if image.name in args["archives"]}
        except LabImageError as error:
            return {**result, "failed": True, "msg": str(error)}
        except OSError as error:
            return {**result, "failed": True, "msg": f"The lab's images could not be written: {error}"}
        return {
            **result,
            "changed": bool(pushed) or any(image.built for image in images),
            "images": [_described(image, image.name in pushed) for image in images],
            "archives": archives,
            "seconds": round(time.monotonic() - start, 1),
        }


def _foreseen(store: ImageStore, chosen: list[ImageRecipe], mirror: Mirror | None) -> dict[str, Any]:
    missing = store.missing(chosen)
    to_push = []
    if mirror and not missing:
        to_push = [image.name for image in mirror.lacking(store.ensure(chosen))]
    return {"changed": bool(missing or to_push), "to_build": missing, "to_push": to_push}


def _described(image: CachedImage, pushed: bool) -> dict[str, Any]:
    return {
        "name": image.name,
        "digest": image.digest,
        "size": image.size,
        "source": str(image.directory),
        "built": image.built,
        "pushed": pushed,
    }


def _report(line: str) -> None:
    Display().display(f"  {line}")


def _architecture() -> str:
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise LabImageError(f"The lab's images can be made on {', '.join(ARCHITECTURES)}; this machine is {machine}")
    return ARCHITECTURES[machine]


def _default_cache_directory() -> Path:
    """Follow the XDG base directory specification."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "selfhosted-serverless"
