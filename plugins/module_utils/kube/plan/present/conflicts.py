# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells conflicts in words only from real ones.

Two managers that apply the same manifest conflict where the server completes a value that is stored as a whole, such
as the apiVersion of a fieldRef: the values would not change. Sending the completed value settles such a conflict.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ....plain_copy import plain_copy
from ...errors import ApiError
from ...objects import Document

# An item of a list in a field path of structured-merge-diff, by its keys: [name="x",...]
_ITEM = re.compile(r"\[(?P<keys>[^\]]*)\]")
_KEY = re.compile(r'(?P<name>[A-Za-z0-9_]+)=(?P<value>"(?:[^"\\]|\\.)*"|[^,]+)')
_HOLDER = re.compile(r'conflict with "(?P<manager>(?:[^"\\]|\\.)*)"')
_UNKNOWN = object()


def field_conflicts(error: ApiError) -> list[tuple[str, str]]:
    """(field manager, field path) for every field that the server names in a conflict."""
    return [
        (_holder(cause.get("message", "")), cause.get("field", "?"))
        for cause in error.causes
        if cause.get("reason") == "FieldManagerConflict"
    ]


def conflicting_managers(error: ApiError) -> list[str]:
    """The field managers of a conflict, one per field."""
    return [holder for holder, _path in field_conflicts(error)]


def changes_nothing(error: ApiError, before: Document, after: Document) -> bool:
    """True when every field that `error` names has the same value in both objects (`after`: a forced rehearsal)."""
    conflicts = field_conflicts(error)
    for _manager, path in conflicts:
        old, new = value_at(before, path), value_at(after, path)
        if old is _UNKNOWN or old != new:
            return False
    return bool(conflicts)


def aligned(error: ApiError, document: Document, live: Document) -> Document:
    """`document` with the live values of every field that `error` names, for conflicts that change nothing.

    Applied so it takes no field from anybody: both own it, and it stays when one of them lets go.
    """
    result = plain_copy(document)
    for _manager, path in field_conflicts(error):
        steps, value = _walk(result, path), value_at(live, path)
        if not steps or value is _UNKNOWN:
            continue
        holder = steps[-2][1] if len(steps) > 1 else result
        holder[steps[-1][0]] = plain_copy(value)
    return result


def value_at(document: Document, path: str) -> Any:
    """The value at a field path; a marker that equals nothing else when the path leads nowhere or is not understood."""
    steps = _walk(document, path)
    return steps[-1][1] if steps else _UNKNOWN


def pointer_of(document: Document, path: str) -> str:
    """The JSON pointer (RFC 6901) to a field path within `document`; empty when it is not in it."""
    segments = [str(key).replace("~", "~0").replace("/", "~1") for key, _value in _walk(document, path) or []]
    return "".join(f"/{segment}" for segment in segments)


def _walk(document: Document, path: str) -> list[tuple[str | int, Any]] | None:
    """(key or index, value) for each step of a path; None when it leads nowhere."""
    node: Any = document
    steps: list[tuple[str | int, Any]] = []
    while path:
        item = _ITEM.match(path)
        if item:
            key: str | int | None = _index(node, item["keys"])
            path = path[item.end() :]
        else:
            key = _field(node, path)
            path = path[len(str(key)) + 1 :]
        if key is None:
            return None
        node = node[key]
        steps.append((key, node))
    return steps


def _field(node: Any, path: str) -> str | None:
    """The key of a map that a path goes on with: the longest that fits, since keys of ConfigMaps have dots in them."""
    if not isinstance(node, dict) or not path.startswith("."):
        return None
    fitting = [key for key in node if path.startswith(key, 1) and path[len(key) + 1 : len(key) + 2] in ("", ".", "[")]
    return max(fitting, key=len, default=None)


def _index(node: Any, text: str) -> int | None:
    keys = {found["name"]: json.loads(found["value"]) for found in _KEY.finditer(text)}
    if not isinstance(node, list) or not keys:
        return None
    for index, item in enumerate(node):
        if isinstance(item, dict) and all(item.get(name) == value for name, value in keys.items()):
            return index
    return None


def _holder(message: str) -> str:
    found = _HOLDER.search(message)
    return found["manager"] if found else "another manager"
