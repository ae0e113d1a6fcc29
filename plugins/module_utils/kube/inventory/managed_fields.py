# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a live object that our field manager owns, read from metadata.managedFields.

The form of fieldsV1 is that of structured-merge-diff: 'f:name' a field, 'k:{...}' an item of a list by its keys,
'v:value' a member of a set, 'i:n' an item by index, '.' the item itself; an empty map means the whole value.
"""

from __future__ import annotations

import json
from typing import Any

MISSING = object()


def owned_set(live: dict[str, Any], manager: str) -> dict[str, Any]:
    """The fieldsV1 map of `manager`'s server-side applies; empty when it has none."""
    for entry in (live.get("metadata") or {}).get("managedFields") or []:
        if entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource"):
            return entry.get("fieldsV1") or {}
    return {}


def came_before(live: dict[str, Any], manager: str) -> bool:
    """True when the object is older than `manager`'s first apply to it, in whole seconds of the server's clock.

    An apply that makes an object is noted before the object gets its creationTimestamp, and one that changes nothing
    keeps its time, so that a repeated request makes no difference.
    """
    metadata = live.get("metadata") or {}
    applied = [
        entry.get("time") or ""
        for entry in metadata.get("managedFields") or []
        if entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource")
    ]
    return bool(applied) and applied[0] > (metadata.get("creationTimestamp") or "")


def owned_fields(live: dict[str, Any] | None, manager: str) -> dict[str, Any]:
    """The values of `live` that `manager` applied, in the shape of the object; {} without an object."""
    fields = owned_set(live or {}, manager)
    if not live or not fields:
        return {}
    return extract(live, fields)


def applied_fields(live: dict[str, Any], manager: str) -> dict[str, Any]:
    """What `manager` has to apply to own exactly what it owns.

    As `owned_fields`, but for what it applied as null or empty: None where the server has stored nothing, and an empty
    map or list where others have put something in since.
    """
    fields = owned_set(live, manager)
    entries = (live.get("metadata") or {}).get("managedFields") or []
    others = [entry.get("fieldsV1") or {} for entry in entries if entry.get("manager") != manager]
    found = _applied(live, fields, others) if fields else {}
    return found if isinstance(found, dict) else {}


def _applied(value: Any, fields: dict[str, Any], others: list[dict[str, Any]]) -> Any:
    below = {key: part for key, part in fields.items() if key != "."}
    if not below:
        # Nobody can own a part of what is owned as a whole
        shared = isinstance(value, dict | list) and any(set(other) - {"."} for other in others)
        return type(value)() if shared else value
    if isinstance(value, list):
        return _applied_list(value, below, others)
    result: dict[str, Any] = {}
    for key, part in below.items():
        if not key.startswith("f:"):
            return None
        of_others = [other[key] for other in others if key in other]
        there = isinstance(value, dict) and key[2:] in value
        inner = value[key[2:]] if there else ({} if part else None)
        result[key[2:]] = _applied(inner, part, of_others)
    return result


def _applied_list(value: list[Any], fields: dict[str, Any], others: list[dict[str, Any]]) -> list[Any]:
    found = []
    for key, part in fields.items():
        item = item_of(value, key)
        if item is not MISSING:
            of_others = [other[key] for other in others if key in other]
            found.append((value.index(item), _applied(item, part, of_others) if part else item))
    return [item for _position, item in sorted(found, key=lambda entry: entry[0])]


def extract(live: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    """The values of `live` that a fieldsV1 map names, in the shape of the object."""
    result = _extract(live, fields)
    return result if isinstance(result, dict) else {}


def _extract(value: Any, fields: dict[str, Any]) -> Any:
    if not [key for key in fields if key != "."]:
        return value
    if isinstance(value, dict):
        return _extract_map(value, fields)
    if isinstance(value, list):
        return _extract_list(value, fields)
    return value


def _extract_map(value: dict[str, Any], fields: dict[str, Any]) -> dict[str, Any]:
    result = {}
    for key, below in fields.items():
        name = key[2:]
        if key.startswith("f:") and name in value:
            result[name] = _extract(value[name], below)
    return result


def _extract_list(value: list[Any], fields: dict[str, Any]) -> list[Any]:
    found = []
    for key, below in fields.items():
        if key == ".":
            continue
        item = item_of(value, key)
        if item is not MISSING:
            found.append((value.index(item), _extract(item, below) if below else item))
    # fieldsV1 sorts by key; the order of the object is what was applied
    return [item for _position, item in sorted(found, key=lambda entry: entry[0])]


def item_of(value: list[Any], key: str) -> Any:
    """The item of a list that a key of fieldsV1 stands for; MISSING without one."""
    form, text = key.split(":", 1)
    if form == "i":
        return value[int(text)] if int(text) < len(value) else MISSING
    wanted = json.loads(text)
    if form == "v":
        return wanted if wanted in value else MISSING
    for item in value:
        if isinstance(item, dict) and all(item.get(name) == wanted_value for name, wanted_value in wanted.items()):
            return item
    return MISSING
