# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the lab's images and stock its mirror with them; documented in plugins/modules/lab_stock.py."""

from __future__ import annotations

import platform
import time
from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.errors import LabImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.mirror import Mirror
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.recipes import ImageRecipe, parse_recipes
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.sources import Sources
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.images.store import CachedImage, ImageStore
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.documented_action import DocumentedAction
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.lab_cache import cache_directory

# Names of machine types in images (GOARCH), by what the kernel calls them.
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class ActionModule(DocumentedAction):
    """Runs long, and tells its progress while it works."""

    errors: ClassVar[tuple[type[Exception], ...]] = (LabImageError, OSError)

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Make what the cache lacks and push what the mirror lacks; in check mode only tell what that would be."""
        start = time.monotonic()
        recipes = parse_recipes(args["layers"], args["recipes"])
        chosen = recipes.choose(args["images"])
        components = {name: Path(path) for name, path in args["components"].items()}
        sources = Sources(components, Path(args["files"]))
        cache = Path(args["cache_directory"] or cache_directory())
        store = ImageStore(cache, recipes, sources, _architecture(), args["debian_sources"], self.tell)
        mirror = Mirror(args["mirror"], self.tell) if args["mirror"] else None
        if check:
            return _foreseen(store, chosen, mirror)
        images = store.ensure(chosen)
        pushed = mirror.stock(images) if mirror else set()
        return {
            "changed": bool(pushed) or any(image.built for image in images),
            "images": [_described(image, image.name in pushed) for image in images],
            "archives": {image.name: str(store.archive(image)) for image in images if image.name in args["archives"]},
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


def _architecture() -> str:
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise LabImageError(f"The lab's images can be made on {', '.join(ARCHITECTURES)}; this machine is {machine}")
    return ARCHITECTURES[machine]
