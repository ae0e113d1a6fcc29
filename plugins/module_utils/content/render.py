# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Content items, selections, overlays and inline documents become one YAML file, which is a cache.

The file begins with the key of everything that went into it; while the key and the rest of the file are right, it is
not rendered again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..kube.desired.documents import flatten
from ..kube.errors import ReleaseError
from ..kube.objects import Document, matches
from ..plain_copy import plain_copy
from .access import Access
from .errors import ContentError
from .loading import dump_documents
from .overlay import apply_overlays
from .rendered import read_rendered, write_rendered
from .sources import Source, documents_of, locate_all

FORM = 1  # raised when the same inputs shall render differently
HEADER = "# selfhosted.serverless render, key {key} body {body}\n"


@dataclass
class Rendering:
    """What to render; the meanings are those of the render module's options."""

    content: list[dict[str, Any]] = field(default_factory=list)
    definitions: list[Document] = field(default_factory=list)
    select: list[dict[str, Any]] = field(default_factory=list)
    exclude: list[dict[str, Any]] = field(default_factory=list)
    overlays: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Rendered:
    """The file, its documents, and the sources with their checksums; `from_cache` when nothing had to be done."""

    path: Path
    documents: list[Document]
    sources: list[Source]
    from_cache: bool


def render(rendering: Rendering, dest: Path, access: Access | None = None) -> Rendered:
    """Bring `dest` to what `rendering` says. Raises ContentError."""
    sources = locate_all(rendering.content, access or Access())
    key = _key(rendering, sources)
    try:
        if _is_current(dest, key):
            return Rendered(dest, read_rendered(dest, keep=True), sources, True)
        documents = [document for source in sources for document in _documents_in(source)]
        documents = chosen(documents, rendering.select, rendering.exclude)
        documents += flatten(plain_copy(rendering.definitions), "definitions")
    except (ReleaseError, ValueError) as error:
        raise ContentError(str(error)) from error
    documents = apply_overlays(documents, rendering.overlays)
    body = dump_documents(documents)
    write_rendered(dest, HEADER.format(key=key, body=_digest(body)) + body, documents)
    return Rendered(dest, documents, sources, False)


def _documents_in(source: Source) -> list[Document]:
    found = flatten(documents_of(source), source.label)
    if not found:
        raise ContentError(f"{source.label} gives no document; see whether path and build name the right folder")
    return found


def chosen(documents: list[Document], select: list[dict[str, Any]], exclude: list[dict[str, Any]]) -> list[Document]:
    """The documents that `select` keeps (all without one) and `exclude` does not drop.

    Raises ContentError for an item of `select` that fits nothing: it is a mistake, or the release has changed.
    """
    for matcher in select:
        if not any(matches(matcher, document) for document in documents):
            raise ContentError(f"{matcher} of select matches no document")
    kept = [document for document in documents if not select or any(matches(m, document) for m in select)]
    return [document for document in kept if not any(matches(m, document) for m in exclude)]


def _key(rendering: Rendering, sources: list[Source]) -> str:
    inputs = [
        FORM,
        [[source.digest, _without_place(source.item)] for source in sources],
        rendering.definitions,
        rendering.select,
        rendering.exclude,
        rendering.overlays,
    ]
    return hashlib.sha256(json.dumps(inputs, sort_keys=True, default=str).encode()).hexdigest()


def _without_place(item: dict[str, Any]) -> dict[str, Any]:
    """Where content comes from does not matter, only what it is and how it is rendered."""
    return {key: value for key, value in item.items() if key in ("kind", "build", "version", "values")}


def _is_current(dest: Path, key: str) -> bool:
    try:
        head, newline, body = dest.read_text().partition("\n")
    except (OSError, UnicodeDecodeError):
        return False
    return head + newline == HEADER.format(key=key, body=_digest(body))


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()
