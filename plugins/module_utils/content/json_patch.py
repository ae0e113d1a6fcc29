# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON patch (RFC 6902) on one document."""

from __future__ import annotations

from typing import Any

from ..plain_copy import plain_copy
from .errors import ContentError


def apply_json_patch(document: dict[str, Any], operations: list[dict[str, Any]]) -> dict[str, Any]:
    """A new document with the operations applied in order. Raises ContentError naming the one that fails."""
    root: Any = plain_copy(document)
    for operation in operations:
        try:
            root = _apply(root, operation)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise ContentError(f"JSON patch operation {operation} does not fit: {error}") from error
    return root


def _apply(root: Any, operation: dict[str, Any]) -> Any:
    kind, path = operation["op"], operation["path"]
    if kind in ("move", "copy"):
        value = plain_copy(_get(root, operation["from"]))
        if kind == "move":
            _remove(root, operation["from"])
        _add(root, path, value)
    elif kind == "add":
        _add(root, path, plain_copy(operation["value"]))
    elif kind == "remove":
        _remove(root, path)
    elif kind == "replace":
        _get(root, path)
        parent, key = _parent(root, path)
        parent[key] = plain_copy(operation["value"])
    elif kind == "test":
        if _get(root, path) != operation["value"]:
            raise ValueError(f"the value at {path} is {_get(root, path)!r}")
    else:
        raise ValueError(f"unknown operation '{kind}'")
    return root


def _segments(path: str) -> list[str]:
    if not path.startswith("/"):
        raise ValueError(f"'{path}' must begin with a slash and name something")
    return [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]


def _step(node: Any, segment: str) -> Any:
    return node[_index(node, segment)] if isinstance(node, list) else node[segment]


def _index(node: list[Any], segment: str) -> int:
    index = int(segment)
    if not 0 <= index < len(node):
        raise IndexError(f"no item {segment} in a list of {len(node)}")
    return index


def _get(root: Any, path: str) -> Any:
    node = root
    for segment in _segments(path):
        node = _step(node, segment)
    return node


def _parent(root: Any, path: str) -> tuple[Any, Any]:
    *above, last = _segments(path)
    node = root
    for segment in above:
        node = _step(node, segment)
    return node, _index(node, last) if isinstance(node, list) and last != "-" else last


def _add(root: Any, path: str, value: Any) -> None:
    *above, last = _segments(path)
    node = root
    for segment in above:
        node = _step(node, segment)
    if not isinstance(node, list):
        node[last] = value
    elif last == "-":
        node.append(value)
    else:
        position = int(last)
        if not 0 <= position <= len(node):
            raise IndexError(f"no place {last} in a list of {len(node)}")
        node.insert(position, value)


def _remove(root: Any, path: str) -> None:
    parent, key = _parent(root, path)
    del parent[key]
