# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adapts rendered documents: deep merge by name, or a JSON patch (RFC 6902). Pure functions."""

from __future__ import annotations

from typing import Any

from ..kube.objects import Document, matches
from ..plain_copy import plain_copy
from .errors import ContentError
from .json_patch import apply_json_patch

# The keys by which items of a list are the same thing, in the order they are tried.
MERGE_KEYS = ("name", "containerPort", "port", "mountPath", "key", "ip", "topologyKey")


def apply_overlays(documents: list[Document], overlays: list[dict[str, Any]]) -> list[Document]:
    """New documents with every overlay applied in order. Raises ContentError for one that matches nothing."""
    result = list(documents)
    for number, overlay in enumerate(overlays, start=1):
        where = f"overlay {number} ({overlay.get('match')})"
        hits = 0
        for index, document in enumerate(result):
            if _matches(overlay, document, where):
                hits += 1
                result[index] = _adapted(document, overlay, where)
        if not hits and not overlay.get("optional"):
            raise ContentError(f"{where} matches no document; correct its match, or say optional: true if that is fine")
    return result


def merge(base: Any, patch: Any) -> Any:
    """`base` with `patch` merged into it: maps by key, lists of maps by their merge key, anything else replaced.

    A null in the patch removes the key.
    """
    if isinstance(base, dict) and isinstance(patch, dict):
        result = {key: plain_copy(value) for key, value in base.items()}
        for key, value in patch.items():
            if value is None:
                result.pop(key, None)
            else:
                result[key] = merge(result[key], value) if key in result else _without_nulls(value)
        return result
    if isinstance(base, list) and isinstance(patch, list):
        key = _merge_key(base, patch)
        if key is not None:
            return _merge_lists(base, patch, key)
    return plain_copy(patch)


def _matches(overlay: dict[str, Any], document: Document, where: str) -> bool:
    try:
        return matches(overlay.get("match") or {}, document)
    except ValueError as error:
        raise ContentError(f"{where}: {error}") from error


def _adapted(document: Document, overlay: dict[str, Any], where: str) -> Document:
    result = plain_copy(document)
    if overlay.get("patch"):
        result = merge(result, overlay["patch"])
    if overlay.get("json_patch"):
        try:
            result = apply_json_patch(result, overlay["json_patch"])
        except ContentError as error:
            raise ContentError(f"{where}: {error}") from error
    return result


def _merge_key(base: list[Any], patch: list[Any]) -> str | None:
    items = base + patch
    if not patch or not all(isinstance(item, dict) for item in items):
        return None
    return next((key for key in MERGE_KEYS if all(key in item for item in items)), None)


def _merge_lists(base: list[dict[str, Any]], patch: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    result = [plain_copy(item) for item in base]
    positions = {item[key]: index for index, item in enumerate(base)}
    for item in patch:
        if item[key] in positions:
            index = positions[item[key]]
            result[index] = merge(result[index], item)
        else:
            result.append(_without_nulls(item))
    return result


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return plain_copy(value)
