"""Backups and restores with a real PostgreSQL: what they hold, and that the live database outlives all that fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ClusterError, ReleaseError
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo import restore as restore_module
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.backup import back_up
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.database import LIVE, Database
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.restore import (
    inspect,
    restart_rule,
    restore,
)
from database_pod import DatabasePod
from releases import namespace

SCHEMA = """
CREATE TABLE schema_migrations (number integer PRIMARY KEY);
CREATE TABLE todos (id bigint PRIMARY KEY, title text NOT NULL);
INSERT INTO schema_migrations VALUES (1), (2);
INSERT INTO todos SELECT n, 'to-do ' || n FROM generate_series(1, 3000) n;
"""
TITLES = "SELECT string_agg(title, ',' ORDER BY id) FROM todos WHERE id < 3;\n"


@pytest.fixture
def database(pod: DatabasePod) -> Iterator[Database]:
    """The live database with two migrations and 3000 to-dos; all databases of a test are dropped after it."""
    pod.cut = ""
    database = Database(Cluster.connect("pod", str(pod.kubeconfig)), "todo")
    database.create(LIVE)
    database.ask(LIVE, SCHEMA)
    yield database
    pod.cut = ""
    for name in names(database):
        database.drop(name)


@pytest.fixture
def file(database: Database, tmp_path: Path) -> Path:
    """A backup of it."""
    back_up(database, tmp_path / "todo.dump", print)
    return tmp_path / "todo.dump"


def names(database: Database) -> set[str]:
    """The databases that are the application's."""
    return set(database.ask("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'todo%';\n").split())


def refused(database: Database, file: Path, words: str) -> None:
    """A restore fails, and is as if it had not been."""
    before = database.digest(LIVE)
    with pytest.raises((ReleaseError, ClusterError), match=words):
        restore(database, file, True, print)
    assert names(database) == {LIVE}, "what was restored beside it is gone"
    assert database.digest(LIVE) == before


def test_what_was_backed_up_is_live_again_and_what_was_live_is_kept(database: Database, file: Path) -> None:
    database.ask(LIVE, "UPDATE todos SET title = 'changed'; INSERT INTO todos VALUES (0, 'new');\n")
    told: list[str] = []
    done = restore(database, file, True, told.append)
    assert database.ask(LIVE, TITLES) == "to-do 1,to-do 2\n"
    assert database.ask(done.former, TITLES) == "new,changed,changed\n"
    assert names(database) == {LIVE, done.former} and not done.older
    assert done.tables["todos"].rows == 3000
    assert told == ["restored beside the live database: 2 schema_migrations, 3000 todos"]


def test_what_was_live_goes_where_it_is_not_wanted(database: Database, file: Path) -> None:
    assert restore(database, file, False, print).former == ""
    assert names(database) == {LIVE}


def test_clients_that_are_connected_do_not_stand_in_the_way(database: Database, file: Path) -> None:
    """As the application is, all the time."""
    ended: list[Exception] = []

    def sleep() -> None:
        try:
            database.ask(LIVE, "SELECT pg_sleep(60);\n")
        except ReleaseError as error:
            ended.append(error)

    client = threading.Thread(target=sleep, daemon=True)
    client.start()
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%';\n"
    limit = time.monotonic() + 30
    while database.ask("postgres", asleep) != "1\n":
        assert time.monotonic() < limit
    restore(database, file, False, print)
    client.join(30)
    assert "terminating connection due to administrator command" in str(ended[0])


def test_a_backup_of_an_older_application_is_told(database: Database, file: Path) -> None:
    database.ask(LIVE, "INSERT INTO schema_migrations VALUES (3);\n")
    assert restore(database, file, False, print).older, "it is to start anew, which makes the migration"


def test_a_backup_of_a_newer_application_is_refused(database: Database, file: Path) -> None:
    database.ask(LIVE, "DELETE FROM schema_migrations WHERE number = 2;\n")
    refused(database, file, "the backup has migration 2, the application knows 1 at the most; install the newer")


def test_a_backup_of_something_else_is_refused(database: Database, tmp_path: Path) -> None:
    database.ask(LIVE, "DROP TABLE todos;\n")
    back_up(database, tmp_path / "other.dump", print)
    refused(database, tmp_path / "other.dump", "is no backup of this application: it lacks the table todos")


def test_a_database_without_tables_is_not_backed_up(database: Database, tmp_path: Path) -> None:
    database.ask(LIVE, "DROP TABLE todos, schema_migrations;\n")
    with pytest.raises(ReleaseError, match="PostgreSQL: the database has no table"):
        back_up(database, tmp_path / "empty.dump", print)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_postgresql_does_not_know_is_refused_in_its_words(database: Database, tmp_path: Path) -> None:
    (tmp_path / "broken.dump").write_bytes(b"PGDMP and nothing that PostgreSQL would know")
    with pytest.raises(ReleaseError, match=r"sh in pod todo/database-0 failed: pg_restore: error: "):
        inspect(database, tmp_path / "broken.dump")


def test_half_a_backup_is_refused_and_touches_nothing(database: Database, file: Path) -> None:
    """Its table of contents is whole, so that only the restore finds it out."""
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * 3 // 4])
    assert inspect(database, file) == len(content) * 3 // 4
    refused(database, file, "pg_restore: error: could not read from input file: end of file")


def test_a_connection_that_breaks_on_the_way_touches_nothing(pod: DatabasePod, database: Database, file: Path) -> None:
    pod.cut = "pg_restore --dbname"
    refused(database, file, "exec in pod todo/database-0: the connection broke before the command ended")


def test_a_swap_that_fails_leaves_the_live_database_open(
    database: Database, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody has a database under the name that the former one would get."""
    monkeypatch.setattr(restore_module.time, "strftime", lambda *_words: "20260101_000000")
    database.create("todo_before_20260101_000000")
    with pytest.raises(ReleaseError, match='database "todo_before_20260101_000000" already exists'):
        restore(database, file, True, print)
    assert names(database) == {LIVE, "todo_before_20260101_000000"}
    assert database.ask(LIVE, TITLES) == "to-do 1,to-do 2\n", "connections to it are allowed again"


def test_no_password_is_in_a_command(pod: DatabasePod, database: Database, file: Path) -> None:
    assert pod.ran and not [script for script in pod.ran if "canary" in script]


def test_a_database_that_is_not_there_is_named(cluster: Cluster, name: str) -> None:
    cluster.apply(namespace(name))
    with pytest.raises(ClusterError, match=f'exec in pod {name}/database-0: status 404: pods "database-0" not found'):
        Database(cluster, name).ask(LIVE, "SELECT 1;\n")


def test_only_the_pods_of_rule_are_replaced(cluster: Cluster, name: str) -> None:
    cluster.apply(namespace(name))
    for app in ("rule", "web"):
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": app, "namespace": name, "labels": {"app": app}},
            "spec": {"automountServiceAccountToken": False, "containers": [{"name": app, "image": "example.org/x"}]},
        }
        cluster.apply(pod, manager="someone")
    restart_rule(cluster, name)
    assert [pod["metadata"]["name"] for pod in cluster.list("v1", "Pod", name)] == ["web"]
