"""To-dos in PostgreSQL, through asyncpg."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg

from .model import Change, Page, Todo
from .store import StoreUnavailable, migrations

_COLUMNS = "id, title, done, created_at, updated_at"
_CONNECT_SECONDS = 5.0
_STATEMENT_SECONDS = 10.0
_POOL_SIZE = 5
# An arbitrary constant: whoever holds this lock migrates, others wait.
_MIGRATION_LOCK = 7_230_166
_UNREACHABLE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InvalidPasswordError,
    asyncpg.InvalidCatalogNameError,
)
_Result = TypeVar("_Result")


class PostgresStore:
    """A Store on a pool of connections. `connection` holds asyncpg's arguments: dsn, or host, port, user and so on."""

    def __init__(self, connection: dict[str, Any]) -> None:
        self._arguments = connection
        self._pool: asyncpg.Pool | None = None

    async def open(self) -> None:
        if self._pool is not None:
            return
        async with _told_apart():
            pool = await asyncpg.create_pool(
                **self._arguments,
                min_size=1,
                max_size=_POOL_SIZE,
                timeout=_CONNECT_SECONDS,
                command_timeout=_STATEMENT_SECONDS,
            )
            try:
                async with pool.acquire() as connection:
                    await _migrate(connection)
            except BaseException:
                pool.terminate()
                raise
            self._pool = pool

    async def close(self) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            try:
                await asyncio.wait_for(pool.close(), _CONNECT_SECONDS)
            except TimeoutError:
                pool.terminate()

    async def check(self) -> None:
        await self._read(lambda connection: connection.execute("SELECT 1"))

    async def page(self, done: bool | None, before: int | None, limit: int) -> Page:
        async def read(connection: Any) -> Page:
            rows = await connection.fetch(
                f"SELECT {_COLUMNS} FROM todos WHERE ($1::boolean IS NULL OR done = $1)"
                " AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
                done,
                before,
                limit + 1,
            )
            counts = dict(await connection.fetch("SELECT done, count(*) FROM todos GROUP BY done"))
            items = [Todo(*row) for row in rows[:limit]]
            more = items[-1].id if len(rows) > limit else None
            return Page(items, more, counts.get(False, 0), counts.get(True, 0))

        return await self._read(read)

    async def get(self, todo_id: int) -> Todo | None:
        return _todo(await self._read(lambda c: c.fetchrow(f"SELECT {_COLUMNS} FROM todos WHERE id = $1", todo_id)))

    async def create(self, title: str) -> Todo:
        sql = f"INSERT INTO todos (title) VALUES ($1) RETURNING {_COLUMNS}"
        return Todo(*await self._write(lambda connection: connection.fetchrow(sql, title)))

    async def update(self, todo_id: int, change: Change) -> Todo | None:
        sql = (
            "UPDATE todos SET title = coalesce($1::text, title), done = coalesce($2::boolean, done),"
            f" updated_at = now() WHERE id = $3 RETURNING {_COLUMNS}"
        )
        return _todo(await self._write(lambda c: c.fetchrow(sql, change.title, change.done, todo_id)))

    async def delete(self, todo_id: int) -> bool:
        status = await self._write(lambda c: c.execute("DELETE FROM todos WHERE id = $1", todo_id))
        return status != "DELETE 0"

    async def _read(self, work: Callable[[Any], Awaitable[_Result]]) -> _Result:
        """Reads are asked twice: the first failure may be a connection from before the database's restart."""
        try:
            return await self._write(work)
        except StoreUnavailable:
            return await self._write(work)

    async def _write(self, work: Callable[[Any], Awaitable[_Result]]) -> _Result:
        """Writes are asked once: a lost answer does not tell whether the write was stored."""
        if self._pool is None:
            raise StoreUnavailable("PostgreSQL is not connected yet")
        async with _told_apart(), self._pool.acquire(timeout=_CONNECT_SECONDS) as connection:
            return await work(connection)


@asynccontextmanager
async def _told_apart() -> Any:
    """Turns the errors of an unreachable database into StoreUnavailable; faults of ours stay what they are."""
    try:
        yield
    except _UNREACHABLE as error:
        raise StoreUnavailable(f"PostgreSQL: {type(error).__name__}: {error}") from error


async def _migrate(connection: Any) -> None:
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _MIGRATION_LOCK)
        await connection.execute("CREATE TABLE IF NOT EXISTS schema_migrations (number integer PRIMARY KEY)")
        done = {row["number"] for row in await connection.fetch("SELECT number FROM schema_migrations")}
        for number, sql in migrations("postgres"):
            if number not in done:
                await connection.execute(sql)
                await connection.execute("INSERT INTO schema_migrations VALUES ($1)", number)


def _todo(row: Any) -> Todo | None:
    return None if row is None else Todo(*row)
