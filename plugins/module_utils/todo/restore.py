# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a backup in the place of the todo application's database.

It is restored beside the live database, which serves on; only when all of it is there do the two change names.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..kube.client.cluster import Cluster
from ..kube.deadline import Deadline
from ..kube.errors import KubeError, ReleaseError
from .backup import require_dump
from .database import LIVE, Database, Table

LOOK_SECONDS = 30.0
NEEDED = ("schema_migrations", "todos")  # without these tables it is a backup of something else
_NEWEST = "SELECT coalesce(max(number), 0) FROM schema_migrations;\n"
_REOPEN = f"ALTER DATABASE {LIVE} ALLOW_CONNECTIONS true;\n"
# Nobody can connect, nobody is connected, and both names change in one transaction. The pod has all of this script
# before it begins, so that it ends well even when the controller does not.
_SWAP = """
ALTER DATABASE {live} ALLOW_CONNECTIONS false;
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname IN ('{live}', '{new}');
BEGIN;
ALTER DATABASE {live} RENAME TO {former};
ALTER DATABASE {new} RENAME TO {live};
COMMIT;
ALTER DATABASE {former} ALLOW_CONNECTIONS true;
"""


@dataclass(frozen=True)
class Restored:
    """What was restored; `former` is the name of the database that was live before, '' when it was dropped.

    `older` is true when the application has migrations that the backup lacks: it must start anew to make them.
    """

    tables: dict[str, Table]
    former: str
    older: bool


def inspect(database: Database, file: Path) -> int:
    """The size in bytes of a backup that can be restored. Raises KubeError for any other file; nothing is changed."""
    size = require_dump(file)
    contents = database.contents(file)
    missing = [table for table in NEEDED if f" TABLE DATA public {table} " not in contents]
    if missing:
        raise ReleaseError(f"{file} is no backup of this application: it lacks the table {', '.join(missing)}")
    return size


def restore(database: Database, file: Path, keep: bool, progress: Callable[[str], None]) -> Restored:
    """Restore `file` and make it the live database; with `keep`, the former one stays. Raises KubeError.

    On an error before the swap the live database is untouched.
    """
    inspect(database, file)
    stamp = time.strftime("%Y%m%d_%H%M%S", time.gmtime())
    new, former = f"{LIVE}_restored_{stamp}", f"{LIVE}_before_{stamp}"
    database.create(new)
    try:
        database.load(new, file)
        tables = database.digest(new)
        progress(f"restored beside the live database: {', '.join(f'{t.rows} {name}' for name, t in tables.items())}")
        older = _is_older(database, new)
        _swap(database, new, former)
    except BaseException:
        database.drop(new)
        raise
    if not keep:
        database.drop(former)
    return Restored(tables, former if keep else "", older)


def restart_rule(cluster: Cluster, namespace: str) -> None:
    """Replace the pods of rule, in every variant: a new one makes the migrations that are missing. Raises KubeError."""
    cluster.discovery.ensure(Deadline(LOOK_SECONDS))
    for pod in cluster.list("v1", "Pod", namespace, "app=rule"):
        cluster.delete("v1", "Pod", pod["metadata"]["name"], namespace, uid=pod["metadata"]["uid"])


def _is_older(database: Database, new: str) -> bool:
    """Whether the backup lacks migrations. Raises ReleaseError when it has some that the application does not know."""
    there, restored = (int(database.ask(name, _NEWEST)) for name in (LIVE, new))
    if restored > there:
        raise ReleaseError(
            f"the backup has migration {restored}, the application knows {there} at the most; "
            "install the newer application first"
        )
    return restored < there


def _swap(database: Database, new: str, former: str) -> None:
    try:
        database.ask("postgres", _SWAP.format(live=LIVE, new=new, former=former))
    except KubeError:
        database.ask("postgres", _REOPEN)
        raise
