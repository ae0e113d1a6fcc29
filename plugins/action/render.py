# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Action plugin: turn content into one YAML file on the controller. The logic is in module_utils/content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.errors import ContentError
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.render import Rendering, render
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.extract import extract_references

MATCHER = {
    "kind": {"type": "str"},
    "name": {"type": "str"},
    "namespace": {"type": "str"},
    "group": {"type": "str"},
}
ARGUMENTS: dict[str, Any] = {
    "dest": {"type": "path", "required": True},
    "content": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "kind": {"type": "str", "choices": ["manifests", "kustomize", "istioctl"], "default": "manifests"},
            "path": {"type": "str"},
            "url": {"type": "list", "elements": "str"},
            "go_module": {"type": "str"},
            "sha256": {"type": "str"},
            "build": {"type": "str"},
            "kubectl": {"type": "str"},
            "version": {"type": "str"},
            "values": {"type": "dict"},
        },
    },
    "definitions": {"type": "list", "elements": "dict", "default": []},
    "select": {"type": "list", "elements": "dict", "default": [], "options": MATCHER},
    "exclude": {"type": "list", "elements": "dict", "default": [], "options": MATCHER},
    "overlays": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "match": {"type": "dict", "required": True, "options": MATCHER},
            "patch": {"type": "dict"},
            "json_patch": {"type": "list", "elements": "dict"},
            "optional": {"type": "bool", "default": False},
        },
    },
}


class ActionModule(ActionBase):
    """Runs on the controller and writes there only, in check mode as well: the file is a cache."""

    _supports_check_mode = True
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result = super().run(tmp, task_vars)
        validated = self.validate_argument_spec(ARGUMENTS)[1]
        args = json.loads(json.dumps(validated))  # plain values: no tags, no lazy containers
        dest = Path(args.pop("dest"))
        try:
            rendered = render(Rendering(**args), dest)
        except (ContentError, OSError) as error:
            raise AnsibleActionFail(f"{dest.name}: {error}") from error
        result.update(
            changed=False,
            path=str(rendered.path),
            documents=len(rendered.documents),
            sources=[{"source": source.label, "sha256": source.digest} for source in rendered.sources],
            images=_images(rendered.documents),
        )
        return result


def _images(documents: list[dict[str, Any]]) -> list[str]:
    """References found by the image library."""
    return sorted({str(found.reference) for found in extract_references(documents)})
