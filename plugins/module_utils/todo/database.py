# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The todo application's PostgreSQL, spoken to in its own pod: there the tools have the server's version."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ..kube.client.cluster import Cluster
from ..kube.client.pod_exec import Container, run_in_container
from ..kube.errors import ReleaseError

LIVE = "todo"  # the database that the application uses
CHUNK = 256 * 1024  # bytes
FAILED = "pg_dump failed"
MAGIC = b"PGDMP"  # what pg_dump's custom format begins with

# The password comes from the pod's own file; it is in no argument and does not leave the pod.
_PREPARED = (
    "set -eu; PGPASSWORD=$(cat /run/secrets/database/password); export PGPASSWORD; "
    "export PGUSER=todo PGTZ=UTC PGDATESTYLE=ISO; "
)
_PSQL = "psql --no-psqlrc --quiet --no-align --tuples-only --set=ON_ERROR_STOP=1 "

# One line for each table: table|name|rows|checksum. Rows are compared by their text, in no order of their own.
DIGEST = r"""
SELECT format('SELECT ''table'', %L, count(*), ' ||
  'md5(coalesce(string_agg(md5(t::text), '''' ORDER BY md5(t::text)), '''')) FROM %I.%I t',
  tablename, schemaname, tablename)
FROM pg_catalog.pg_tables WHERE schemaname = 'public' ORDER BY tablename \gexec
"""
# The dump and the digest see the same moment, whatever is written meanwhile. The digest goes to standard error.
_DUMP = rf"""
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT pg_export_snapshot() AS snapshot \gset
\setenv SNAPSHOT :snapshot
\o |cat >&2
{DIGEST}
\o
\! pg_dump --format=custom --snapshot="$SNAPSHOT" --dbname={LIVE} || echo {FAILED} >&2
COMMIT;
"""


@dataclass(frozen=True)
class Table:
    """What a table holds: its number of rows and a checksum over them."""

    rows: int
    checksum: str


def tables_of(text: str) -> dict[str, Table]:
    """The tables by name, from the lines of DIGEST among others. Raises ReleaseError when there is none."""
    rows = [line.split("|") for line in text.splitlines() if line.startswith("table|")]
    if not rows or FAILED in text:
        raise ReleaseError(f"PostgreSQL: {text.strip() or 'the database has no table'}")
    return {name: Table(int(count), checksum) for _word, name, count, checksum in rows}


def chunks(file: BinaryIO) -> Iterator[bytes]:
    """The rest of a file in chunks."""
    while chunk := file.read(CHUNK):
        yield chunk


class Database:
    """The running server in `namespace`. Every method raises KubeError with PostgreSQL's own words."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self._container = Container(namespace, "database-0", "postgres")

    def dump(self, take: Callable[[bytes], Any]) -> dict[str, Table]:
        """Hand a dump of the live database to `take`; return what its tables held at that moment."""
        return tables_of(self._run(f"{_PSQL} --dbname={LIVE}", [_DUMP.encode()], take))

    def create(self, name: str) -> None:
        """Make an empty database."""
        self._run(f"createdb {name}")

    def drop(self, name: str) -> None:
        """Remove a database if it is there, with whoever is connected to it."""
        self._run(f"dropdb --force --if-exists {name}")

    def load(self, name: str, dump: Path) -> None:
        """Restore a dump into an empty database, all of it or nothing."""
        with dump.open("rb") as file:
            self._run(
                f"pg_restore --dbname={name} --no-owner --no-privileges --single-transaction --exit-on-error",
                chunks(file),
            )

    def contents(self, dump: Path) -> str:
        """The table of contents of a dump; nothing is restored."""
        with dump.open("rb") as file:
            return self._output("pg_restore --list", chunks(file))

    def digest(self, name: str) -> dict[str, Table]:
        """What the tables of a database hold."""
        return tables_of(self.ask(name, DIGEST))

    def ask(self, name: str, sql: str) -> str:
        """What psql prints for statements or commands of its own."""
        return self._output(f"{_PSQL} --dbname={name}", [sql.encode()])

    def _output(self, command: str, given: Iterable[bytes]) -> str:
        taken: list[bytes] = []
        self._run(command, given, taken.append)
        return b"".join(taken).decode()

    def _run(self, command: str, given: Iterable[bytes] | None = None, take: Callable[[bytes], Any] = bytes) -> str:
        # A command that ends early, or does not want all of its input, leaves the rest to cat.
        reading = f"code=0; {command} || code=$?; cat > /dev/null; exit $code"
        script = _PREPARED + (f"exec {command}" if given is None else reading)
        return run_in_container(self._cluster, self._container, ["sh", "-c", script], given, take)
