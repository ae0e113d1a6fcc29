# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing parts of a document by JSON pointer (RFC 6901), where a segment '*' stands for every item."""

from __future__ import annotations

import copy
from typing import Any


def without(document: dict[str, Any], pointers: list[str]) -> dict[str, Any]:
    """A copy of `document` without what the pointers name; a pointer that leads nowhere is no error."""
    result = copy.deepcopy(document)
    for pointer in pointers:
        _remove(result, _segments(pointer))
    return result


def _segments(pointer: str) -> list[str]:
    if not pointer.startswith("/"):
        raise ValueError(f"'{pointer}' is not a JSON pointer; write it with a leading slash, such as /spec/replicas")
    return [segment.replace("~1", "/").replace("~0", "~") for segment in pointer[1:].split("/")]


def _remove(node: Any, segments: list[str]) -> None:
    head, rest = segments[0], segments[1:]
    if isinstance(node, dict):
        keys = list(node) if head == "*" else [head] if head in node else []
    elif isinstance(node, list):
        keys = (
            list(range(len(node))) if head == "*" else [int(head)] if head.isdigit() and int(head) < len(node) else []
        )
    else:
        return
    for key in reversed(keys):  # from the end, so that indices stay right
        if rest:
            _remove(node[key], rest)
        else:
            del node[key]
