# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep planned images in a bundle, or unpack one; documented in plugins/modules/image_bundle.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import ImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.bundle import (
    read_bundle,
    write_bundle,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.image_action import ImageAction


class ActionModule(ImageAction):
    """See the module's documentation."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Write or unpack the bundle; in check mode neither."""
        return self._write(args, check) if args["state"] == "written" else _unpack(args, check)

    def _write(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        path = Path(args["path"])
        if check:
            # Whether it would be other than before is known only when the images are here.
            return {"changed": not path.exists(), "path": str(path), "images": sorted(args["names"])}
        lock = Path(args["lock"]).read_bytes() if args["lock"] else b""
        changed = write_bundle(Layout.open(Path(args["layout"])), args["names"], lock, path, self.tell)
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
    return {"changed": unpacked > 0, "path": str(path), "images": sorted(layout.named())}
