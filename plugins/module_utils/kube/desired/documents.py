# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From parsed YAML to the documents of a release: checked, flattened, with a namespace, each object once."""

from __future__ import annotations

from typing import Any

from ...plain_copy import plain_copy
from ..client.discovery import Discovery
from ..errors import ReleaseError
from ..objects import Document, ObjectRef


def flatten(documents: list[Any], source: str) -> list[Document]:
    """All documents, lists opened, empty ones dropped. Raises ReleaseError for what is no Kubernetes object."""
    found: list[Document] = []
    for number, document in enumerate(documents, start=1):
        if document is None:
            continue
        where = f"document {number} of {source}"
        if not isinstance(document, dict) or not document.get("apiVersion") or not document.get("kind"):
            raise ReleaseError(f"{where} is no Kubernetes object: apiVersion and kind are needed")
        if document["kind"].endswith("List") and isinstance(document.get("items"), list):
            found += flatten(document["items"], where)
            continue
        found.append(document)
    return found


def placed(documents: list[Document], namespace: str | None, discovery: Discovery) -> list[Document]:
    """The documents with `namespace` where a namespaced one names none; a later twin replaces an earlier one."""
    scopes = _scopes_of_own_kinds(documents)
    result: dict[tuple[str, str, str, str], Document] = {}
    for document in documents:
        if not (document.get("metadata") or {}).get("name"):
            raise ReleaseError(
                f"a document of kind {document['kind']} has no metadata.name; an object of generateName is new in "
                "every run: exclude it when rendering, or give it a name"
            )
        copied = plain_copy(document)
        metadata = copied["metadata"]
        ref = ObjectRef.of(copied)
        if _is_namespaced(ref, scopes, discovery):
            metadata["namespace"] = metadata.get("namespace") or namespace
            if not metadata["namespace"]:
                raise ReleaseError(f"{ref} names no namespace; set one in it, or the option namespace")
        else:
            metadata.pop("namespace", None)
        result[ObjectRef.of(copied).identity] = copied
    return list(result.values())


def unserved(documents: list[Document], discovery: Discovery) -> list[tuple[ObjectRef, int]]:
    """One object of every kind that neither the cluster nor the documents define, and how many of that kind."""
    own = _scopes_of_own_kinds(documents)
    missing: dict[tuple[str, str], list[ObjectRef]] = {}
    for document in documents:
        ref = ObjectRef.of(document)
        if (ref.group, ref.kind) not in own and discovery.look_up(ref.api_version, ref.kind) is None:
            missing.setdefault((ref.api_version, ref.kind), []).append(ref)
    return [(refs[0], len(refs)) for refs in missing.values()]


def namespace_document(name: str) -> Document:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def _scopes_of_own_kinds(documents: list[Document]) -> dict[tuple[str, str], bool]:
    scopes = {}
    for document in documents:
        if document["kind"] == "CustomResourceDefinition":
            spec = document.get("spec") or {}
            kind = (spec.get("names") or {}).get("kind") or ""
            scopes[(spec.get("group") or "", kind)] = spec.get("scope") == "Namespaced"
    return scopes


def _is_namespaced(ref: ObjectRef, scopes: dict[tuple[str, str], bool], discovery: Discovery) -> bool:
    own = scopes.get((ref.group, ref.kind))
    if own is not None:
        return own
    resource = discovery.find(ref.api_version, ref.kind)
    if resource is not None:
        return resource.namespaced
    # A kind nobody has defined yet (check mode on an empty cluster): believe the document.
    return bool(ref.namespace)
