# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin: turn content into one YAML file on the controller. The logic is in module_utils/content."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.selfhosted.serverless.plugins.module_utils.content.access import Access
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.collection import collect
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.errors import ContentError
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.render import Rendering, render
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import ImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.extract import extract_references
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.content_access import content_access
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.documented_action import DocumentedAction


class ActionModule(DocumentedAction):
    """Runs on the controller and writes there only, in check mode as well: the file is a cache."""

    errors: ClassVar[tuple[type[Exception], ...]] = (ContentError, ImageError, OSError)

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return what the files hold and where that came from."""
        access = content_access(args, self.variables, check, self.tell)
        copies = Path(args["content_copy"]) if args["content_copy"] else None
        first, *more = [_file(one, access, copies) for one in (args, *args["more"])]
        return {"changed": False, **first, "more": more, "releases": args["releases"]}

    def subject(self, args: dict[str, Any]) -> str:
        """The file; no cluster is asked."""
        return f"{Path(args['dest']).name}: "


def _file(args: dict[str, Any], access: Access, copies: Path | None) -> dict[str, Any]:
    rendering = Rendering(**{part.name: args[part.name] for part in fields(Rendering)})
    rendered = render(rendering, Path(args["dest"]), access)
    if copies:
        collect(rendered.sources, access.store, copies)
    return {
        "path": str(rendered.path),
        "documents": len(rendered.documents),
        "sources": [{"source": source.label, "sha256": source.digest} for source in rendered.sources],
        "images": _images(rendered.documents),
    }


def _images(documents: list[dict[str, Any]]) -> list[str]:
    """References found by the image library."""
    return sorted({str(found.reference) for found in extract_references(documents)})
