"""What the rule service needs of a database. Two modules fulfil it: `sqlite_store` and `postgres_store`."""

from __future__ import annotations

from importlib import resources
from typing import Protocol

from .model import Change, New, Page, Todo


class StoreUnavailable(Exception):
    """The database cannot be reached now; trying later may help."""


class KeyReused(Exception):
    """An idempotency key that was given for another to-do."""


class Store(Protocol):
    """Every method may raise StoreUnavailable."""

    async def open(self) -> None:
        """Connect and bring the schema up to date. May be called again after a failure."""

    async def close(self) -> None:
        """Give the connections back. Harmless when not open."""

    async def check(self) -> None:
        """Ask the database for a sign of life."""

    async def page(self, done: bool | None, before: int | None, limit: int) -> Page:
        """Up to `limit` to-dos, newest first, below the id `before`; `done` None means all of them."""

    async def get(self, todo_id: int) -> Todo | None:
        """The to-do, or None."""

    async def create(self, new: New) -> Todo:
        """The new to-do, stored for good; with a key that is there already, the to-do that it made.

        Raises KeyReused when the key came with another title then. The key is forgotten when the to-do is deleted.
        """

    async def update(self, todo_id: int, change: Change) -> Todo | None:
        """The changed to-do, or None when there is none."""

    async def delete(self, todo_id: int) -> bool:
        """Whether there was one to delete."""


def migrations(dialect: str) -> list[tuple[int, str]]:
    """(number, SQL) of every migration of `dialect` (sqlite or postgres), in order of number."""
    folder = resources.files(__package__) / "migrations" / dialect
    found = [(int(file.name.partition("_")[0]), file.read_text()) for file in folder.iterdir()]
    return sorted(found)
