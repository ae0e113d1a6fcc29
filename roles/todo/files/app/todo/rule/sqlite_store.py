"""To-dos in a SQLite file: for one process on one machine, without any set-up."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from .model import ID_LIMIT, Change, New, Page, Todo
from .store import KeyReused, StoreUnavailable, migrations

_COLUMNS = "id, title, done, created_at, updated_at"
# Two statements, so that each has its index: the primary key, and (done, id).
_PAGE = f"SELECT {_COLUMNS} FROM todos WHERE id < ?1 ORDER BY id DESC LIMIT ?2"
_FILTERED_PAGE = f"SELECT {_COLUMNS} FROM todos WHERE id < ?1 AND done = ?3 ORDER BY id DESC LIMIT ?2"
_Result = TypeVar("_Result")


class SqliteStore:
    """A Store on one connection. Statements run one at a time on a worker thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._lock = asyncio.Lock()

    async def open(self) -> None:
        async with self._lock:
            if self._connection is None:
                self._connection = await _in_thread(self._connect)

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # isolation_level None: transactions are begun and ended by us, by `with` around the statements of a migration.
        connection = sqlite3.connect(self._path, timeout=5, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE IF NOT EXISTS schema_migrations (number integer PRIMARY KEY)")
        done = {number for (number,) in connection.execute("SELECT number FROM schema_migrations")}
        for number, sql in migrations("sqlite"):
            if number not in done:
                record = f"INSERT INTO schema_migrations VALUES ({number});"
                connection.executescript(f"BEGIN IMMEDIATE;\n{sql}\n{record}\nCOMMIT;")
        return connection

    async def close(self) -> None:
        async with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    async def check(self) -> None:
        await self._run(lambda connection: connection.execute("SELECT 1").fetchone())

    async def page(self, done: bool | None, before: int | None, limit: int) -> Page:
        def read(connection: sqlite3.Connection) -> Page:
            values = (ID_LIMIT if before is None else before, limit + 1)
            if done is None:
                rows = connection.execute(_PAGE, values).fetchall()
            else:
                rows = connection.execute(_FILTERED_PAGE, (*values, done)).fetchall()
            counts = dict(connection.execute("SELECT done, count(*) FROM todos GROUP BY done").fetchall())
            items = [_todo(row) for row in rows[:limit]]
            more = items[-1].id if len(rows) > limit else None
            return Page(items, more, counts.get(0, 0), counts.get(1, 0))

        return await self._run(read)

    async def get(self, todo_id: int) -> Todo | None:
        return await self._one(f"SELECT {_COLUMNS} FROM todos WHERE id = ?", (todo_id,))

    async def create(self, new: New) -> Todo:
        # Setting the key to what it is makes the statement return the row that is there.
        sql = (
            "INSERT INTO todos (title, idempotency_key, idempotency_digest) VALUES (?, ?, ?)"
            " ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL"
            f" DO UPDATE SET idempotency_key = excluded.idempotency_key RETURNING {_COLUMNS}, idempotency_digest"
        )
        values = (new.title, new.key, new.digest)
        ((*row, digest),) = await self._run(lambda connection: connection.execute(sql, values).fetchall())
        if digest != new.digest:
            raise KeyReused
        return _todo(tuple(row))

    async def update(self, todo_id: int, change: Change) -> Todo | None:
        return await self._one(
            "UPDATE todos SET title = coalesce(?1, title), done = coalesce(?2, done),"
            f" updated_at = strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now') WHERE id = ?3 RETURNING {_COLUMNS}",
            (change.title, change.done, todo_id),
        )

    async def delete(self, todo_id: int) -> bool:
        return await self._run(lambda c: c.execute("DELETE FROM todos WHERE id = ?", (todo_id,)).rowcount > 0)

    async def _one(self, sql: str, values: tuple[Any, ...]) -> Todo | None:
        # fetchall, not fetchone: a statement with RETURNING is stored only once all its rows are read.
        rows = await self._run(lambda connection: connection.execute(sql, values).fetchall())
        return _todo(rows[0]) if rows else None

    async def _run(self, work: Callable[[sqlite3.Connection], _Result]) -> _Result:
        async with self._lock:
            if self._connection is None:
                raise StoreUnavailable("the SQLite file is not open")
            connection = self._connection
            return await _in_thread(lambda: work(connection))


async def _in_thread(work: Callable[[], _Result]) -> _Result:
    try:
        return await asyncio.to_thread(work)
    except (sqlite3.OperationalError, OSError) as error:
        raise StoreUnavailable(f"SQLite: {error}") from error


def _todo(row: tuple[Any, ...]) -> Todo:
    todo_id, title, done, created_at, updated_at = row
    return Todo(todo_id, title, bool(done), datetime.fromisoformat(created_at), datetime.fromisoformat(updated_at))
