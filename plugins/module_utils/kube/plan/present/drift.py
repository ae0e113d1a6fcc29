# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a live object already is exactly what we would apply, so that no request is needed.

True only when our manager owns precisely the fields of the document and every one has the document's value. In any
doubt (a value the server wrote differently, an order that changed) the answer is False and the server decides.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ...inventory.managed_fields import owned_set

_IDENTITY = ("apiVersion", "kind")
_NAME = ("name", "namespace")
# What the server fills in where a structure is applied whole, in the kinds that have pods (Kubernetes API reference,
# ObjectFieldSelector)
_WITH_PODS = ("v1", "apps/v1", "batch/v1")
_FILLED_IN = {"fieldRef": {"apiVersion": "v1"}}

FilledIn = Mapping[str, Mapping[str, Any]]  # by the name of the structure


def settled(document: dict[str, Any], live: dict[str, Any], manager: str) -> bool:
    """True when applying `document` as `manager` cannot change `live`."""
    fields = owned_set(live, manager)
    if not fields or (live.get("metadata") or {}).get("deletionTimestamp"):
        return False
    body = {key: value for key, value in document.items() if key not in _IDENTITY}
    body["metadata"] = {key: value for key, value in document["metadata"].items() if key not in _NAME}
    if not body["metadata"]:
        del body["metadata"]
    return _same(body, live, fields, _FILLED_IN if document.get("apiVersion") in _WITH_PODS else {})


def _same(wanted: Any, live: Any, fields: dict[str, Any], filled_in: FilledIn) -> bool:
    below = {key: value for key, value in fields.items() if key != "."}
    if not below:
        return wanted == live
    if isinstance(wanted, dict) and isinstance(live, dict):
        return _same_map(wanted, live, below, filled_in)
    if isinstance(wanted, list) and isinstance(live, list):
        return _same_list(wanted, live, below, filled_in)
    return False


def _same_map(wanted: dict[str, Any], live: dict[str, Any], fields: dict[str, Any], filled_in: FilledIn) -> bool:
    if {"f:" + key for key in wanted} != set(fields):
        return False
    whole = {key: {**filled_in[key], **value} if key in filled_in else value for key, value in wanted.items()}
    return all(key in live and _same(value, live[key], fields["f:" + key], filled_in) for key, value in whole.items())


def _same_list(wanted: list[Any], live: list[Any], fields: dict[str, Any], filled_in: FilledIn) -> bool:
    if len(wanted) != len(fields):
        return False
    last = -1
    for item in wanted:
        key = _key_of(item, fields)
        position = _position(key, live) if key else None
        if key is None or position is None or position <= last:
            return False
        last = position
        if key.startswith("k:") and not _same(item, live[position], fields[key], filled_in):
            return False
    return True


def _key_of(item: Any, fields: dict[str, Any]) -> str | None:
    for key in fields:
        form, text = key.split(":", 1)
        wanted = json.loads(text)
        if form == "v" and wanted == item:
            return key
        if (
            form == "k"
            and isinstance(item, dict)
            and all(item.get(name, value) == value for name, value in wanted.items())
        ):
            return key
    return None


def _position(key: str, live: list[Any]) -> int | None:
    form, text = key.split(":", 1)
    wanted = json.loads(text)
    for index, item in enumerate(live):
        if form == "v" and item == wanted:
            return index
        if form == "k" and isinstance(item, dict) and all(item.get(name) == value for name, value in wanted.items()):
            return index
    return None
