"""Which database the settings name, and getting hold of it while it may still be starting."""

from __future__ import annotations

import asyncio
import logging
import random
from pathlib import Path
from typing import Any

from ..common import metrics, settings
from .store import Store, StoreUnavailable

_LOG = logging.getLogger(__name__)
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 2.0


def from_settings() -> Store:
    """The store that the environment names.

    DATABASE_URL (postgresql://… or sqlite:///file), else PGHOST with PGPORT, PGUSER, PGDATABASE and
    PGPASSWORD or PGPASSWORD_FILE, else the file todo.sqlite3 in the current folder.
    Raises SettingError. The drivers are imported here, since either is enough.
    """
    url = settings.secret("DATABASE_URL") or ""
    if url.startswith("sqlite:///"):
        return _sqlite(url.removeprefix("sqlite:///"))
    if url.startswith(("postgresql://", "postgres://")):
        return _postgres({"dsn": url})
    if url:
        raise settings.SettingError("DATABASE_URL must begin with postgresql:// or sqlite:///")
    host = settings.text("PGHOST", "")
    if not host:
        return _sqlite("todo.sqlite3")
    user = settings.text("PGUSER", "todo")
    return _postgres(
        {
            "host": host,
            "port": settings.integer("PGPORT", 5432, 1, 65535),
            "user": user,
            "database": settings.text("PGDATABASE", user),
            "password": settings.secret("PGPASSWORD"),
        }
    )


async def connect(store: Store, limit_seconds: float) -> bool:
    """Open `store`, trying again with growing pauses for at most `limit_seconds`; whether it came about."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + limit_seconds
    pause = _FIRST_PAUSE
    while True:
        try:
            await store.open()
            return True
        except StoreUnavailable as error:
            metrics.store_failed("connect")
            pause_now = pause * random.uniform(0.5, 1)
            if loop.time() + pause_now > deadline:
                _LOG.error("database not reached", extra={"fields": {"reason": str(error), "seconds": limit_seconds}})
                return False
            _LOG.warning("database not reached yet", extra={"fields": {"reason": str(error)}})
            await asyncio.sleep(pause_now)
            pause = min(pause * 2, _LONGEST_PAUSE)


def _sqlite(path: str) -> Store:
    from .sqlite_store import SqliteStore

    return SqliteStore(Path(path))


def _postgres(connection: dict[str, Any]) -> Store:
    from .postgres_store import PostgresStore

    return PostgresStore(connection)
