"""Backup and restore where something is amiss or nothing may be done; test_variants has the way of every day."""

from __future__ import annotations

import re
from pathlib import Path
from subprocess import CompletedProcess

from ..conftest import NAMESPACE, ROOT, Site, until
from .conftest import Application

POD, LIVE = "database-0", "todo"
# The newest migration, undone: an older application has a database like this
UNDO = """
ALTER TABLE todos DROP COLUMN idempotency_key, DROP COLUMN idempotency_digest;
DELETE FROM schema_migrations WHERE number = 2;
"""


def test_a_file_that_is_no_backup_is_refused(site: Site, tmp_path: Path) -> None:
    databases = named_databases(site)
    broken = tmp_path / "broken.dump"
    broken.write_bytes(b"PGDMP and nothing that PostgreSQL would know")
    for file, said in (
        (ROOT / "README.md", "is no backup"),
        (broken, "pg_restore: error"),
        (tmp_path, "cannot be read"),
    ):
        done = site.playbook("playbooks/restore.yml", "-e", f"todo_restore_file={file}")
        assert done.returncode != 0 and said in done.stdout, done.stdout[-2000:]
    assert site.playbook("playbooks/restore.yml").returncode != 0
    assert named_databases(site) == databases


def test_check_mode_tells_what_would_be_done_and_does_nothing(site: Site, tmp_path: Path) -> None:
    databases = named_databases(site)
    file = tmp_path / "todo.dump"
    done = site.playbook("playbooks/backup.yml", "-e", f"todo_backup_file={file}", "--check")
    assert done.returncode == 0 and "would be written" in words(done) and not file.exists()
    assert site.playbook("playbooks/backup.yml", "-e", f"todo_backup_file={file}").returncode == 0
    done = site.playbook("playbooks/restore.yml", "-e", f"todo_restore_file={file}", "--check")
    assert done.returncode == 0 and "would be restored" in words(done), done.stdout[-2000:]
    assert named_databases(site) == databases


def test_what_was_live_before_a_restore_stays_under_the_name_that_is_told(site: Site, tmp_path: Path) -> None:
    databases = named_databases(site)
    options = ["-e", f"todo_backup_dir={tmp_path}"]
    assert site.playbook("playbooks/backup.yml", *options).returncode == 0
    (file,) = tmp_path.iterdir()
    assert re.fullmatch(r"todo-lab-\d{8}T\d{6}Z\.dump", file.name)
    done = site.playbook("playbooks/restore.yml", "-e", f"todo_restore_file={file}")
    assert done.returncode == 0, done.stdout[-2000:]
    (former,) = named_databases(site) - databases
    assert f"is the database {former}." in words(done)
    in_database(site, f"DROP DATABASE {former}")


def test_a_backup_of_an_older_application_is_brought_up_to_date(site: Site, tmp_path: Path) -> None:
    application, newest = Application(site, "knative"), newest_migration(site)
    in_database(site, UNDO, LIVE)
    older = tmp_path / "older.dump"
    assert site.playbook("playbooks/backup.yml", "-e", f"todo_backup_file={older}").returncode == 0
    # A new pod of rule makes the migration again
    site.kubectl("delete", "pods", "-n", NAMESPACE, "-l", "app=rule")
    until("the application answers", lambda: application.request("/api/todos").status == 200, 120)
    assert newest_migration(site) == newest

    options = ["-e", f"todo_restore_file={older}", "-e", "todo_restore_keep_former=false"]
    done = site.playbook("playbooks/restore.yml", *options)
    assert done.returncode == 0, done.stdout[-2000:]
    until("the application answers", lambda: application.request("/api/todos").status == 200, 120)
    until("the migration is made", lambda: newest_migration(site) == newest, 60)


def test_a_backup_of_a_newer_application_is_refused(site: Site, tmp_path: Path) -> None:
    newer, newest = tmp_path / "newer.dump", newest_migration(site)
    in_database(site, f"INSERT INTO schema_migrations VALUES ({newest + 1})", LIVE)
    try:
        assert site.playbook("playbooks/backup.yml", "-e", f"todo_backup_file={newer}").returncode == 0
    finally:
        in_database(site, f"DELETE FROM schema_migrations WHERE number > {newest}", LIVE)
    databases = named_databases(site)
    done = site.playbook("playbooks/restore.yml", "-e", f"todo_restore_file={newer}")
    assert done.returncode != 0 and "install the newer application first" in words(done)
    assert named_databases(site) == databases


def newest_migration(site: Site) -> int:
    """The number of the newest migration in the live database."""
    return int(in_database(site, "SELECT max(number) FROM schema_migrations", LIVE))


def words(done: CompletedProcess[str]) -> str:
    """The output without its line breaks, which may be anywhere in a message."""
    return " ".join(done.stdout.split())


def named_databases(site: Site) -> set[str]:
    """The names of all databases of the server."""
    return set(in_database(site, "SELECT datname FROM pg_database").split())


def in_database(site: Site, sql: str, name: str = "postgres") -> str:
    """What psql prints."""
    psql = ["psql", "--username=todo", f"--dbname={name}", "-At", f"--command={sql}"]
    return site.kubectl("exec", "-n", NAMESPACE, POD, "-c", "postgres", "--", *psql)
