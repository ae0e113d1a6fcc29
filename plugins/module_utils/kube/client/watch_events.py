# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a LIST and a WATCH bring, taken apart with distrust: something between us and the server may spoil it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from ..errors import ClusterError
from ..objects import Document

CHANGES = frozenset({"ADDED", "MODIFIED", "DELETED"})
LONGEST_LINE = 32 * 1024 * 1024  # bytes; etcd holds no object near this size
GONE = 410


@dataclass(frozen=True)
class WatchEvent:
    """`kind` is ADDED, MODIFIED, DELETED or BOOKMARK; `version` the resourceVersion to go on from ("" if not told)."""

    kind: str
    item: Document = field(default_factory=dict)
    version: str = ""


class WatchBroken(ClusterError):
    """The watch is of no more use: list anew. `expired` when the server only says that the version is too old."""

    def __init__(self, message: str, expired: bool = False) -> None:
        super().__init__(message)
        self.expired = expired


def key_of(item: Document) -> str:
    return f"{item['metadata'].get('namespace') or ''}/{item['metadata']['name']}"


def read_list(answer: Document, api_version: str, kind: str) -> tuple[dict[str, Document], str]:
    """The objects of a LIST by key, and its resourceVersion. It is a good one, see answers.list_fault."""
    items = [_with_type(item, api_version, kind) for item in answer["items"] or []]
    return {key_of(item): item for item in items}, str(answer["metadata"].get("resourceVersion") or "")


def read_event(line: bytes, api_version: str, kind: str) -> WatchEvent:
    """One line of a watch. Raises WatchBroken for whatever is no event of this kind, an ERROR event included."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise WatchBroken(f"the watch of {kind} brought a line that is no JSON: {_excerpt(line)}") from error
    word = event.get("type") if isinstance(event, dict) else None
    item = event.get("object") if isinstance(event, dict) else None
    if word == "ERROR" or _is_status(event) or _is_status(item):
        raise _told_off(item if isinstance(item, dict) else event, kind)
    if word == "BOOKMARK":
        return WatchEvent("BOOKMARK", version=_version_of(item))
    if word not in CHANGES or not _is_object(item):
        raise WatchBroken(f"the watch of {kind} brought a line that is no event: {_excerpt(line)}")
    if (item.get("kind") or kind) != kind:
        raise WatchBroken(f"the watch of {kind} brought an object of kind {str(item['kind'])[:60]}")
    return WatchEvent(word, _with_type(item, api_version, kind), _version_of(item))


def lines_of(response: Any, limit: float) -> Iterator[bytes]:
    """The lines of a streamed response as they come, for at most about `limit` seconds.

    A last line without its end is left out: it may be half of one. Raises WatchBroken for a torn stream.
    """
    rest, until = b"", monotonic() + limit
    try:
        for chunk in response.stream(65536):
            *complete, rest = (rest + chunk).split(b"\n")
            yield from (line for line in complete if line.strip())
            if len(rest) > LONGEST_LINE:
                raise WatchBroken("the watch brought a line without an end")
            if monotonic() > until:
                return
    except WatchBroken:
        raise
    except Exception as error:  # urllib3 raises many kinds, http.client and ssl some more, when a stream is torn
        raise WatchBroken(f"the watch broke off: {error}") from error


def _told_off(status: Any, kind: str) -> WatchBroken:
    status = status if isinstance(status, dict) else {}
    expired = status.get("code") == GONE or status.get("reason") in ("Expired", "Gone")
    words = status.get("message") or status.get("reason") or "no reason given"
    return WatchBroken(f"the server ended the watch of {kind}: {str(words)[:200]}", expired)


def _is_status(value: Any) -> bool:
    return isinstance(value, dict) and value.get("kind") == "Status"


def _is_object(value: Any) -> bool:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    return isinstance(metadata, dict) and isinstance(metadata.get("name"), str) and bool(metadata["name"])


def _version_of(item: Any) -> str:
    metadata = item.get("metadata") if isinstance(item, dict) else None
    return str(metadata.get("resourceVersion") or "") if isinstance(metadata, dict) else ""


def _with_type(item: Document, api_version: str, kind: str) -> Document:
    """A LIST leaves apiVersion and kind out of its items."""
    return {"apiVersion": api_version, "kind": kind, **item}


def _excerpt(line: bytes) -> str:
    """The beginning of something unexpected; never a Secret's data, which has the form of an object."""
    text = line.decode("utf-8", "replace")
    return repr(text[:40]) if not text.lstrip().startswith("{") else "a cut or spoiled object"
