# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells conflicts in words only from real ones.

Two managers that apply the same manifest conflict where the server completes a value that is stored as a whole, such
as the apiVersion of a fieldRef: the values would not change. Overruling such a conflict takes nothing away.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ..errors import ApiError
from ..objects import Document

# One step of a field path of structured-merge-diff: .name, or [name="x",...] for an item by its keys.
_STEP = re.compile(r"\.(?P<field>[^.\[\]]+)|\[(?P<keys>[^\]]*)\]")
_KEY = re.compile(r'(?P<name>[A-Za-z0-9_]+)=(?P<value>"(?:[^"\\]|\\.)*"|[^,]+)')
_UNKNOWN = object()


def changes_nothing(error: ApiError, before: Document, after: Document) -> bool:
    """True when every field that `error` names has the same value in both objects (`after`: a forced rehearsal)."""
    fields = [cause.get("field", "") for cause in error.causes if cause.get("reason") == "FieldManagerConflict"]
    if not fields:
        return False
    for field in fields:
        old, new = value_at(before, field), value_at(after, field)
        if old is _UNKNOWN or old != new:
            return False
    return True


def value_at(document: Document, path: str) -> Any:
    """The value at a field path; a marker that equals nothing else when the path leads nowhere or is not understood."""
    node: Any = document
    position = 0
    while position < len(path):
        step = _STEP.match(path, position)
        if step is None:
            return _UNKNOWN
        node = _field(node, step["field"]) if step["field"] is not None else _item(node, step["keys"])
        if node is _UNKNOWN:
            return _UNKNOWN
        position = step.end()
    return node


def _field(node: Any, name: str) -> Any:
    return node[name] if isinstance(node, dict) and name in node else _UNKNOWN


def _item(node: Any, text: str) -> Any:
    keys = {found["name"]: json.loads(found["value"]) for found in _KEY.finditer(text)}
    if not isinstance(node, list) or not keys:
        return _UNKNOWN
    for item in node:
        if isinstance(item, dict) and all(item.get(name) == value for name, value in keys.items()):
            return item
    return _UNKNOWN
