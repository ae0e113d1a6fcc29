# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep planned images in a bundle, or unpack one; documented in plugins/modules/image_bundle.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.selfhosted.serverless.plugins.module_utils.content.collection import adopt
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.errors import ContentError
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.store import Store
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import ImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.bundle import (
    LOCK,
    read_bundle,
    write_bundle,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.bundle_content import FOLDER
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.lock import Lock, extend_lock
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.image_action import ImageAction


class ActionModule(ImageAction):
    """See the module's documentation."""

    errors: ClassVar[tuple[type[Exception], ...]] = (*ImageAction.errors, ContentError)

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Write or unpack the bundle; in check mode neither."""
        return self._write(args, check) if args["state"] == "written" else _unpack(args, check)

    def _write(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        path = Path(args["path"])
        if check:
            # Whether it would be other than before is known only when the images are here.
            return {"changed": not path.exists(), "path": str(path), "images": sorted(args["names"])}
        lock = Path(args["lock"]).read_bytes() if args["lock"] else b""
        content = Path(args["content"]) if args["content"] else None
        changed = write_bundle(Layout.open(Path(args["layout"])), args["names"], lock, path, self.tell, content)
        return {"changed": changed, "path": str(path), "images": sorted(args["names"]), "size": path.stat().st_size}


def _unpack(args: dict[str, Any], check: bool) -> dict[str, Any]:
    path, directory = Path(args["path"]), Path(args["layout"])
    if not path.is_file():
        raise ImageError(f"there is no bundle {path}; make one with playbooks/images.yml -e images_verb=bundle")
    if check and not (directory / "index.json").exists():
        raise ImageError(f"the bundle {path} is not unpacked yet, and a check does not do it; run images_verb=load")
    if check:
        layout, unpacked = Layout.open(directory), 0
    else:
        bundle = read_bundle(path, directory)
        layout, unpacked = bundle.layout, bundle.unpacked
        if (directory / FOLDER).is_dir():
            unpacked += adopt(directory / FOLDER, Store())
        if args["lock"] and bundle.lock:
            unpacked += _complete_lock(Path(args["lock"]), bundle.lock, directory)
    return {"changed": unpacked > 0, "path": str(path), "images": sorted(layout.named())}


def _complete_lock(path: Path, bundled: bytes, directory: Path) -> bool:
    """Add to the lock of this side what it lacks: it pins the images that release files came out of, too."""
    file = directory / LOCK
    file.write_bytes(bundled)
    there = Lock.read(path).images
    lacking = {name: locked for name, locked in Lock.read(file).images.items() if name not in there}
    before, after = extend_lock(path, lacking) if lacking else ("", "")
    return before != after
