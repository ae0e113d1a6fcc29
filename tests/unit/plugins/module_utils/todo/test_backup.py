"""What makes a file a backup, and the lines that tell what a database holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ReleaseError
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.backup import back_up, require_dump
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.database import Table, tables_of
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.restore import inspect

DUMPED = {"todos": Table(3, "abc")}


class Recorded:
    """Stands for the database: what it would restore is given, what is done to it is recorded."""

    def __init__(self, restored: dict[str, Table], data: bytes = b"PGDMP...", contents: str = "") -> None:
        self.restored, self.data, self.table_of_contents = restored, data, contents
        self.databases: set[str] = set()

    def dump(self, take: Callable[[bytes], Any]) -> dict[str, Table]:
        take(self.data)
        return DUMPED

    def create(self, name: str) -> None:
        self.databases.add(name)

    def drop(self, name: str) -> None:
        self.databases.remove(name)

    def load(self, name: str, dump: Path) -> None:
        assert name in self.databases and dump.read_bytes() == self.data

    def digest(self, name: str) -> dict[str, Table]:
        return self.restored

    def contents(self, dump: Path) -> str:
        return self.table_of_contents


def quiet(message: str) -> None:
    pass


def test_a_backup_is_one_when_its_restore_shows_the_same_rows(tmp_path: Path) -> None:
    database, file = Recorded(DUMPED), tmp_path / "new" / "todo.dump"
    done = back_up(database, file, quiet)
    assert (done.size, done.tables) == (8, DUMPED)
    assert file.read_bytes() == b"PGDMP..." and file.stat().st_mode & 0o777 == 0o600
    assert list(file.parent.iterdir()) == [file] and not database.databases


@pytest.mark.parametrize(
    ("database", "said"),
    [
        (Recorded({"todos": Table(2, "abc")}), "not kept"),
        (Recorded({"todos": Table(3, "abd")}), "not kept"),
        (Recorded(DUMPED, data=b""), "is no backup"),
    ],
)
def test_otherwise_nothing_is_left(tmp_path: Path, database: Recorded, said: str) -> None:
    with pytest.raises(ReleaseError, match=said):
        back_up(database, tmp_path / "todo.dump", quiet)
    assert not list(tmp_path.iterdir()) and not database.databases


def test_a_backup_replaces_no_file(tmp_path: Path) -> None:
    file = tmp_path / "todo.dump"
    file.write_text("precious")
    with pytest.raises(ReleaseError, match="exists"):
        back_up(Recorded(DUMPED), file, quiet)
    assert file.read_text() == "precious"


def test_what_is_no_backup_is_told(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="cannot be read: No such file"):
        require_dump(tmp_path / "missing")
    with pytest.raises(ReleaseError, match="cannot be read: Is a directory"):
        require_dump(tmp_path)
    other = tmp_path / "other"
    other.write_bytes(b"PGDMP and then")
    assert require_dump(other) == 14
    with pytest.raises(ReleaseError, match="lacks the table schema_migrations"):
        inspect(Recorded(DUMPED, contents="3; 0 16385 TABLE DATA public todos todo\n"), other)


def test_tables_are_read_from_among_other_lines() -> None:
    text = "WARNING:  something\ntable|todos|3|abc\ntable|schema_migrations|1|d\n"
    assert tables_of(text) == {"todos": Table(3, "abc"), "schema_migrations": Table(1, "d")}


@pytest.mark.parametrize("text", ["", "ERROR: it is gone", "table|todos|3|abc\npg_dump failed"])
def test_no_table_or_a_failed_dump_is_an_error(text: str) -> None:
    with pytest.raises(ReleaseError, match="PostgreSQL"):
        tables_of(text)
