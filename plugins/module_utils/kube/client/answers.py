# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a good answer looks like. Each function says what is wrong with one, "" when nothing is.

Nothing but the object that was asked for counts: a proxy or a dying server may answer 200 with anything.
"""

from __future__ import annotations

from typing import Any


def document_fault(answer: Any) -> str:
    """For any answer: a JSON object that says something, and no failure."""
    if not isinstance(answer, dict):
        return f"it is {_shape(answer)}"
    if not answer:
        return "it is an empty object"
    if answer.get("kind") == "Status" and answer.get("status") == "Failure":
        return "it is a failure under the status of a success"
    return ""


def object_fault(
    answer: Any, api_version: str, kind: str, name: str | None, namespace: str | None = None, stored: bool = False
) -> str:
    """For one object; `name` is None when the server chooses it, and `stored` objects have a uid."""
    fault = document_fault(answer)
    if fault:
        return fault
    if (answer.get("apiVersion"), answer.get("kind")) != (api_version, kind):
        return f"it is {_said(answer)}, not {kind} of {api_version}"
    metadata = answer.get("metadata")
    if not isinstance(metadata, dict) or not metadata.get("name"):
        return "it has no metadata.name"
    if name is not None and metadata["name"] != name:
        return "it is an object of another name"
    if namespace and metadata.get("namespace") not in (None, namespace):
        return "it is an object of another namespace"
    return "it has no metadata.uid" if stored and not metadata.get("uid") else ""


def list_fault(answer: Any, api_version: str, kind: str) -> str:
    """For a LIST of a kind. Old servers written in Go send null for no items."""
    fault = document_fault(answer)
    if fault:
        return fault
    if "items" not in answer or not isinstance(answer.get("metadata"), dict):
        return "it has no items, or no metadata"
    items = answer["items"] or []
    if not isinstance(items, list) or not all(_is_named(item) for item in items):
        return "its items are no list of objects"
    if answer.get("apiVersion") != api_version:
        return f"it is {_said(answer)}, not a list of {kind} of {api_version}"
    group = api_version.rpartition("/")[0]
    # A CRD may choose the kind of its list, and then each item says its own.
    own_list_kind = "." in group and all(item.get("kind") == kind for item in items)
    if answer.get("kind") != f"{kind}List" and not own_list_kind:
        return f"it is {_said(answer)}, not a list of {kind}"
    return ""


def deletion_fault(answer: Any, kind: str, name: str) -> str:
    """For a DELETE: a Status of success, or the object that is going."""
    fault = document_fault(answer)
    if fault:
        return fault
    if answer.get("kind") == "Status":
        return "" if answer.get("status") == "Success" else "it is a Status without success"
    metadata = answer.get("metadata")
    if answer.get("kind") != kind or not isinstance(metadata, dict) or metadata.get("name") != name:
        return f"it is {_said(answer)}, neither a Status nor the object"
    return ""


def _is_named(item: Any) -> bool:
    metadata = item.get("metadata") if isinstance(item, dict) else None
    return isinstance(metadata, dict) and bool(metadata.get("name"))


def _shape(answer: Any) -> str:
    if answer is None:
        return "null"
    return "a list" if isinstance(answer, list) else "no object"


def _said(answer: dict[str, Any]) -> str:
    return f"{str(answer.get('kind'))[:60]} of {str(answer.get('apiVersion'))[:60]}"
