"""What a to-do is, and which values are accepted for one."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..common.errors import ApiError

TITLE_LIMIT = 200
"""Characters."""
PAGE_LIMIT = 100
"""To-dos in one answer, at the most."""
PAGE_DEFAULT = 50
"""To-dos in one answer, unless the caller says otherwise."""
ID_LIMIT = 2**63 - 1
KEY_HEADER = "Idempotency-Key"
"""See draft-ietf-httpapi-idempotency-key-header; the key is taken as it is, quotation marks included."""
KEY = re.compile(r"[!-~]{1,128}")
STATUS = {"all": None, "open": False, "done": True}
"""The filters of the list, and which value of `done` each wants."""


@dataclass(frozen=True)
class Todo:
    """One to-do as stored. Times are in UTC."""

    id: int
    title: str
    done: bool
    created_at: datetime
    updated_at: datetime

    def as_json(self) -> dict[str, Any]:
        """The form that the API answers with; times as ISO 8601."""
        return {
            "id": self.id,
            "title": self.title,
            "done": self.done,
            "created_at": self.created_at.isoformat(timespec="milliseconds"),
            "updated_at": self.updated_at.isoformat(timespec="milliseconds"),
        }


@dataclass(frozen=True)
class New:
    """A to-do to create. `key` is the caller's for this creation: repeated with it, it makes no second to-do."""

    title: str
    key: str | None = None

    @property
    def digest(self) -> bytes | None:
        """What tells a repetition from another creation with the same key; None without a key."""
        return None if self.key is None else hashlib.sha256(self.title.encode()).digest()


@dataclass(frozen=True)
class Change:
    """New values for an existing to-do; None keeps the old one."""

    title: str | None = None
    done: bool | None = None


@dataclass(frozen=True)
class Page:
    """A stretch of the list, newest first. `next_before` continues it; None at the end."""

    items: list[Todo]
    next_before: int | None
    open: int
    done: int


def parse_new(body: dict[str, Any], keys: Sequence[str] = ()) -> New:
    """The to-do to create; `keys` are the Idempotency-Key headers of the request. Raises ApiError 422."""
    _refuse_unknown(body, {"title"})
    if "title" not in body:
        raise _invalid("title", "Give a title.")
    if len(keys) > 1 or not all(KEY.fullmatch(key) for key in keys):
        text = "Give one Idempotency-Key of 1 to 128 ASCII characters without spaces."
        raise ApiError(422, "invalid_key", text, field=KEY_HEADER)
    return New(_title(body["title"]), keys[0] if keys else None)


def parse_change(body: dict[str, Any]) -> Change:
    """The change to make. Raises ApiError 422, also when there is nothing to change."""
    _refuse_unknown(body, {"title", "done"})
    if not body:
        raise ApiError(422, "nothing_to_change", "Give title, done or both.")
    done = body.get("done")
    if "done" in body and not isinstance(done, bool):
        raise _invalid("done", "done must be true or false.")
    return Change(title=_title(body["title"]) if "title" in body else None, done=done)


def parse_id(text: str) -> int:
    """The number in a to-do's address. Raises ApiError 404: what is no number is no to-do either."""
    if text.isascii() and text.isdigit() and len(text) <= 19 and 0 < int(text) <= ID_LIMIT:
        return int(text)
    raise not_found(text)


def key_reused() -> ApiError:
    """The error for an Idempotency-Key that another to-do was created with."""
    return ApiError(409, "key_reused", "This Idempotency-Key came with another title before.", field=KEY_HEADER)


def not_found(todo_id: object) -> ApiError:
    """The error for a to-do that does not exist."""
    return ApiError(404, "no_such_todo", f"There is no to-do {str(todo_id)[:40]}.")


def _title(value: object) -> str:
    if not isinstance(value, str):
        raise _invalid("title", "The title must be text.")
    title = value.strip()
    if not title:
        raise _invalid("title", "The title is empty.")
    if len(title) > TITLE_LIMIT:
        raise _invalid("title", f"The title is longer than {TITLE_LIMIT} characters.")
    # Cc: control characters (PostgreSQL refuses NUL); Cs: halves of surrogate pairs, which are not valid UTF-8.
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in title):
        raise _invalid("title", "The title holds control characters.")
    return title


def _refuse_unknown(body: dict[str, Any], known: set[str]) -> None:
    for name in body:
        if name not in known:
            # JSON may hold halves of surrogate pairs, which the answer could not.
            shown = name[:40].encode("utf-8", "replace").decode()
            raise _invalid(shown, f"Unknown member; known are: {', '.join(sorted(known))}.")


def _invalid(field: str, message: str) -> ApiError:
    return ApiError(422, f"invalid_{field}" if field in ("title", "done") else "unknown_member", message, field=field)
