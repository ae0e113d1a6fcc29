"""The installed archive for a user without rights: from an empty folder, in the POSIX locale, with nothing at home."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from api_server import ApiServer
from plain_user import ROOT, PlainUser

PLAYBOOKS = ("site", "images", "verify", "uninstall", "backup", "restore", "drill")
FQCN = [f"selfhosted.serverless.{name}" for name in PLAYBOOKS]
KUBECONFIG_INVENTORY = "plugin: selfhosted.serverless.kubeconfig\n"


@pytest.fixture
def contexts(plain_user: PlainUser) -> Path:
    """An inventory of one line in the folder that is empty otherwise."""
    for file in plain_user.work.iterdir():
        file.unlink()
    return plain_user.write("kubeconfig.yml", KUBECONFIG_INVENTORY)


def kubeconfig_of(user: PlainUser, text: str) -> None:
    folder = user.home / ".kube"
    folder.mkdir(exist_ok=True)
    user.own(folder)
    (folder / "config").write_text(text, encoding="utf-8")
    user.own(folder / "config")


def dead(port: int = 9) -> str:
    """A kubeconfig whose server refuses connections."""
    cluster = {"server": f"https://127.0.0.1:{port}", "insecure-skip-tls-verify": True}
    document = {
        "clusters": [{"name": "dead", "cluster": cluster}],
        "users": [{"name": "me", "user": {"token": "none"}}],
        "contexts": [{"name": "dead", "context": {"cluster": "dead", "user": "me"}}],
        "current-context": "dead",
    }
    return yaml.safe_dump(document)


def test_all_playbooks_are_read_by_their_names(plain_user: PlainUser) -> None:
    """Roles and plugins are found, whatever the folder; `lab` is no part of the archive."""
    done = plain_user.run("ansible-playbook", "--syntax-check", *FQCN)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"/playbooks/(\w+)\.yml", done.stdout) == list(PLAYBOOKS)
    done = plain_user.run("ansible-playbook", "--list-tasks", *FQCN)
    assert done.returncode == 0 and "Install the to-do application" in done.stdout, done.stdout + done.stderr
    done = plain_user.run("ansible-playbook", "--syntax-check", "selfhosted.serverless.lab")
    assert done.returncode != 0


@pytest.mark.parametrize(
    ("kind", "folder"),
    [("module", "modules"), ("inventory", "inventory"), ("callback", "callback"), ("lookup", "lookup"), ("role", "")],
)
def test_the_documentation_is_readable(plain_user: PlainUser, kind: str, folder: str) -> None:
    """Each plugin's and each role's, with all that the fragments add."""
    done = plain_user.run("ansible-doc", "-t", kind, "-l", "-j", "selfhosted.serverless")
    assert done.returncode == 0, done.stderr
    listed = sorted(json.loads(done.stdout))
    files = (plain_user.collection / "plugins" / folder).glob("[a-z]*.py")
    if folder:
        assert listed == sorted(f"selfhosted.serverless.{file.stem}" for file in files) and listed
    done = plain_user.run("ansible-doc", "-t", kind, "-j", *listed)
    assert done.returncode == 0 and "[WARNING]" not in done.stderr and "ERROR" not in done.stderr, done.stderr
    assert sorted(json.loads(done.stdout)) == listed


def test_a_dead_cluster_is_told_in_one_error(plain_user: PlainUser, contexts: Path) -> None:
    kubeconfig_of(plain_user, dead())
    before = plain_user.installed()
    for name in FQCN:
        typed = ["-e", "drill=traffic", "-e", "todo_restore_file=/nowhere", "-e", "preflight_wait_timeout=1"]
        done = plain_user.run("ansible-playbook", name, "-i", contexts.name, *typed)
        said = " ".join((done.stdout + done.stderr).split())
        assert done.returncode == 2 and "127.0.0.1" in said and "Traceback" not in said, said
    assert [file.name for file in plain_user.work.iterdir()] == [contexts.name]
    assert plain_user.installed() == before


def test_a_check_of_an_empty_cluster_writes_nothing_but_below_the_home(
    plain_user: PlainUser, contexts: Path, api_server: ApiServer
) -> None:
    """site.yml as far as a cluster without nodes takes it, with a report where the user wants it."""
    kubeconfig_of(plain_user, api_server.kubeconfig.read_text(encoding="utf-8"))
    before = plain_user.installed()
    done = plain_user.run(
        *("ansible-playbook", "selfhosted.serverless.site", "-i", contexts.name, "--limit", "test", "--check"),
        *("--tags", "registry_secret", "-e", "report_directory=told"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert {file.name for file in plain_user.work.iterdir()} == {contexts.name, "told"}
    report = json.loads((plain_user.work / "told" / "report.json").read_text(encoding="utf-8"))
    assert yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"] in json.dumps(report)
    for command in re.findall(r"ansible-playbook .*", done.stdout):
        assert "playbooks/" not in command, command
    assert plain_user.installed() == before


@pytest.mark.parametrize("locale", [{"LC_ALL": "C"}, {"LC_ALL": "POSIX"}])
def test_what_ansible_says_where_all_of_the_locale_is_posix(plain_user: PlainUser, locale: dict[str, str]) -> None:
    """Ansible itself refuses that, before any file of ours is read: docs/installation.md says what to do."""
    done = plain_user.run("ansible-playbook", "--version", env=locale)
    assert done.returncode != 0 and "requires the locale encoding to be UTF-8" in done.stderr
    done = plain_user.run("ansible-playbook", "--version", env={**locale, "LC_ALL": "C.UTF-8"})
    assert done.returncode == 0, done.stderr
