# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of a document by JSON pointer (RFC 6901), where a segment '*' stands for every item."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...plain_copy import plain_copy
from ..inventory.managed_fields import item_of


def without(document: dict[str, Any], pointers: list[str]) -> dict[str, Any]:
    """A copy of `document` without what the pointers name; a pointer that leads nowhere is no error."""
    result = plain_copy(document)
    for pointer in pointers:
        _remove(result, _segments(pointer))
    return result


def not_owned(document: dict[str, Any], pointers: list[str], owned: dict[str, Any]) -> list[str]:
    """The places of `document` that the pointers name and the fieldsV1 set `owned` lacks, without any '*'."""
    return [place for pointer in pointers for place in _lacking(document, owned, _segments(pointer), "")]


def _lacking(node: Any, owned: dict[str, Any], segments: list[str], place: str) -> Iterator[str]:
    head, rest = segments[0], segments[1:]
    for key in _keys(node, head):
        here, below = f"{place}/{_escaped(str(key))}", _owned_below(node, key, owned)
        if rest and below != {}:  # empty: owned as a whole
            yield from _lacking(node[key], below or {}, rest, here)
        elif below is None:
            yield here


def _owned_below(node: Any, key: Any, owned: dict[str, Any]) -> dict[str, Any] | None:
    """What of a child is owned; None where nothing is."""
    if isinstance(node, dict):
        return owned.get(f"f:{key}")
    found = (below for name, below in owned.items() if name.startswith("k:") and item_of(node, name) is node[key])
    return next(found, None)


def _segments(pointer: str) -> list[str]:
    if not pointer.startswith("/"):
        raise ValueError(f"'{pointer}' is not a JSON pointer; write it with a leading slash, such as /spec/replicas")
    return [segment.replace("~1", "/").replace("~0", "~") for segment in pointer[1:].split("/")]


def _remove(node: Any, segments: list[str]) -> None:
    head, rest = segments[0], segments[1:]
    for key in reversed(_keys(node, head)):  # from the end, so that indices stay right
        if rest:
            _remove(node[key], rest)
        else:
            del node[key]


def _keys(node: Any, segment: str) -> list[Any]:
    """The keys or indices of a node that a segment stands for."""
    if isinstance(node, dict):
        return list(node) if segment == "*" else [segment] if segment in node else []
    if isinstance(node, list):
        return list(range(len(node))) if segment == "*" else [int(segment)] if _is_index(segment, node) else []
    return []


def _is_index(segment: str, node: list[Any]) -> bool:
    return segment.isdigit() and int(segment) < len(node)


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
