# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fields that we stop setting although the release names them: left to their owner, with the value they have.

A server-side apply that no longer names a field removes it when nobody else owns it; a Deployment's replicas would fall
to the default of 1 on the way to its autoscaler (Kubernetes documentation, "Transferring ownership"). So another field
manager of ours takes the present value over first.
"""

from __future__ import annotations

import json
from typing import Any

from ..client.cluster import FIELD_MANAGER
from ..inventory.managed_fields import MISSING, extract, item_of, owned_set
from ..objects import Document

HANDOVER_MANAGER = f"{FIELD_MANAGER}/handover"


def handover(document: Document, sent: Document, live: Document, manager: str) -> Document | None:
    """What the handover manager applies before `sent`: what of `document` we own and do not send; None for nothing."""
    released = _released(owned_set(live, manager), document, sent)
    if not released:
        return None
    kept = extract(live, released)
    metadata = {key: sent["metadata"][key] for key in ("name", "namespace") if key in sent["metadata"]}
    fields = {key: value for key, value in kept.items() if key != "metadata"}
    names = {"apiVersion": sent["apiVersion"], "kind": sent["kind"]}
    return {**names, "metadata": {**kept.get("metadata", {}), **metadata}, **fields}


def combined(sent: Any, handed_over: Any) -> Any:
    """What both apply together: an object is judged with the fields that the handover manager will own."""
    if isinstance(sent, dict) and isinstance(handed_over, dict):
        both = {key: combined(value, handed_over.get(key, value)) for key, value in sent.items()}
        return {**handed_over, **both}
    if isinstance(sent, list) and isinstance(handed_over, list) and all(isinstance(item, dict) for item in sent):
        return _combined_items(sent, handed_over)
    return sent


def _combined_items(sent: list[dict[str, Any]], handed_over: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Items that have the same value under every key they share are the same item: the shared ones are its keys."""
    items = []
    for item in sent:
        partners = [other for other in handed_over if other.keys() & item.keys() and _agree(item, other)]
        items.append(combined(item, partners[0]) if partners else item)
    return items


def _agree(item: dict[str, Any], other: dict[str, Any]) -> bool:
    plain = [key for key in item.keys() & other.keys() if not isinstance(item[key], dict | list)]
    return bool(plain) and all(item[key] == other[key] for key in plain)


def _released(fields: dict[str, Any], document: Any, sent: Any) -> dict[str, Any]:
    """The part of a fieldsV1 set whose values are in `document` and not in `sent`."""
    found: dict[str, Any] = {}
    for key, below in fields.items():
        wanted, given = _child(document, key), _child(sent, key)
        if wanted is MISSING:
            continue
        inner = below if given is MISSING else _released(below, wanted, given)
        if given is MISSING or inner:
            found[key] = {**inner, **_keys_of_item(key)} if inner else inner
    return found


def _child(node: Any, key: str) -> Any:
    """The value of a map or the item of a list that a key of fieldsV1 stands for."""
    if key.startswith("f:"):
        return node.get(key[2:], MISSING) if isinstance(node, dict) else MISSING
    return item_of(node, key) if isinstance(node, list) and key.startswith("k:") else MISSING


def _keys_of_item(key: str) -> dict[str, Any]:
    """What names an item of a list has to go with every field of it."""
    return {f"f:{name}": {} for name in json.loads(key[2:])} if key.startswith("k:") else {}
