"""To-dos in PostgreSQL, through asyncpg."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg

from .model import ID_LIMIT, Change, New, Page, Todo
from .store import KeyReused, StoreUnavailable, migrations

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
# Two statements, so that each has its index: the primary key, and (done, id).
_PAGE = f"SELECT {_COLUMNS} FROM todos WHERE id < $1 ORDER BY id DESC LIMIT $2"
_FILTERED_PAGE = f"SELECT {_COLUMNS} FROM todos WHERE id < $1 AND done = $3 ORDER BY id DESC LIMIT $2"
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
        await self._twice(lambda connection: connection.execute("SELECT 1"))

    async def page(self, done: bool | None, before: int | None, limit: int) -> Page:
        async def read(connection: Any) -> Page:
            values = (ID_LIMIT if before is None else before, limit + 1)
            if done is None:
                rows = await connection.fetch(_PAGE, *values)
            else:
                rows = await connection.fetch(_FILTERED_PAGE, *values, done)
            counts = dict(await connection.fetch("SELECT done, count(*) FROM todos GROUP BY done"))
            items = [Todo(*row) for row in rows[:limit]]
            more = items[-1].id if len(rows) > limit else None
            return Page(items, more, counts.get(False, 0), counts.get(True, 0))

        return await self._twice(read)

    async def get(self, todo_id: int) -> Todo | None:
        return _todo(await self._twice(lambda c: c.fetchrow(f"SELECT {_COLUMNS} FROM todos WHERE id = $1", todo_id)))

    async def create(self, new: New) -> Todo:
        # Setting the key to what it is makes the statement return the row that is there.
        sql = (
            "INSERT INTO todos (title, idempotency_key, idempotency_digest) VALUES ($1, $2, $3)"
            " ON CONFLICT (idempotency_key) WHERE idempotency_key IS NOT NULL"
            f" DO UPDATE SET idempotency_key = excluded.idempotency_key RETURNING {_COLUMNS}, idempotency_digest"
        )
        ask = self._once if new.key is None else self._twice
        *row, digest = await ask(lambda connection: connection.fetchrow(sql, new.title, new.key, new.digest))
        if digest != new.digest:
            raise KeyReused
        return Todo(*row)

    async def update(self, todo_id: int, change: Change) -> Todo | None:
        sql = (
            "UPDATE todos SET title = coalesce($1::text, title), done = coalesce($2::boolean, done),"
            f" updated_at = now() WHERE id = $3 RETURNING {_COLUMNS}"
        )
        return _todo(await self._once(lambda c: c.fetchrow(sql, change.title, change.done, todo_id)))

    async def delete(self, todo_id: int) -> bool:
        status = await self._once(lambda c: c.execute("DELETE FROM todos WHERE id = $1", todo_id))
        return status != "DELETE 0"

    async def _twice(self, work: Callable[[Any], Awaitable[_Result]]) -> _Result:
        """For reads and for writes with a key: the first connection may be from before the database's restart."""
        try:
            return await self._once(work)
        except StoreUnavailable:
            return await self._once(work)

    async def _once(self, work: Callable[[Any], Awaitable[_Result]]) -> _Result:
        """For other writes: a lost answer does not tell whether the write was stored."""
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
