"""Options of the lab, by the files that its processes read and by the tasks that need no cluster."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROOT = Path(__file__).resolve().parents[4]
ROLE = ROOT / "roles" / "lab"


def evaluate(expression: str, **options: Any) -> Any:
    """The value of an expression in the role, with its defaults and the given options."""
    loader = DataLoader()
    loader.set_basedir(str(ROLE))
    variables: dict[str, Any] = {
        "role_path": str(ROLE),
        "ansible_search_path": [str(ROLE)],
        "ansible_managed": "managed",
        "ansible_playbook_python": sys.executable,
        "playbook_dir": str(ROOT / "playbooks"),
        "__lab_machine": {"cni_plugins": "/opt/cni/bin"},
    }
    for file in (ROLE / "defaults" / "main.yml", *sorted((ROLE / "vars").glob("*.yml"))):
        variables |= loader.load_from_file(str(file), cache="none", trusted_as_template=True)
    return Templar(loader, variables=variables | options).template(trust_as_template(f"{{{{ {expression} }}}}"))


def template(name: str, **options: Any) -> str:
    return evaluate(f"lookup('ansible.builtin.template', '{name}.j2')", **options)


def kubelet(**options: Any) -> dict[str, Any]:
    return yaml.safe_load(template("kubelet.yml", **options))


def command(program: str, **options: Any) -> list[str]:
    (found,) = [one for one in evaluate("__lab_programs", **options) if one["name"] == program]
    return found["command"]


def test_the_node_is_the_one_that_is_named_everywhere() -> None:
    node = {"lab_node_name": "other", "lab_node_address": "10.77.0.5"}
    assert template("hosts", **node).splitlines()[-1] == "10.77.0.5 other"
    assert {"--hostname-override=other", "--node-ip=10.77.0.5"} <= set(command("kubelet", **node))
    assert "--advertise-address=10.77.0.5" in command("kube-apiserver", **node)
    assert yaml.safe_load(template("kube-proxy.yml", **node))["hostnameOverride"] == "other"
    server, client = (
        next(one for one in evaluate("__lab_certificates", **node) if one["name"] == name)
        for name in ("kubelet-server", "kubelet")
    )
    assert (server["names"], server["addresses"][0]) == (["other"], "10.77.0.5")
    assert client["common_name"] == "system:node:other", "the Node authorizer goes by it"
    ways = template("haproxy.cfg", lab_forwarded_ports=[30099], lab_address="127.0.0.7", **node)
    assert "bind 127.0.0.7:30099\n  server lab 10.77.0.5:30099 namespace" in ways
    assert "ip address add 10.77.0.5/24" in template("init", **node)


def test_what_its_processes_are_started_with() -> None:
    assert (kubelet()["maxPods"], kubelet(lab_max_pods=17)["maxPods"]) == (110, 17)
    assert ["--unsafe-no-fsync" in command("etcd", lab_etcd_fsync=sync) for sync in (True, "false")] == [False, True]
    audits = [[flag for flag in command("kube-apiserver", lab_audit=on) if "audit" in flag] for on in (False, True)]
    assert [len(flags) for flags in audits] == [0, 4]
    stops = {line for line in template("supervisord.conf", lab_stop_timeout=7).splitlines() if "stopwait" in line}
    assert stops == {"stopwaitsecs=7"}


def test_what_the_users_that_are_named_read_is_told_as_well() -> None:
    plain, named = (
        yaml.safe_load(template("audit.yml", **options))["rules"] for options in ({}, {"lab_audit_users": ["jane"]})
    )
    (more,) = [rule for rule in named if rule not in plain]
    assert more["users"] == ["jane"] and more["level"] != "None"
    assert [rule for rule in named if rule in plain] == plain


def test_the_context_has_the_name_that_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "pki").mkdir()
    for name in ("ca.crt", "admin.crt", "admin.key"):
        (tmp_path / "pki" / name).write_text("x")
    found = yaml.safe_load(
        template("user.kubeconfig", lab_context_name="mine", lab_directory=str(tmp_path), __lab_user="admin")
    )
    assert found["current-context"] == "mine" == found["contexts"][0]["name"]
    assert found["contexts"][0]["context"] == {"cluster": "mine", "user": "mine"}


@pytest.mark.parametrize("wanted", [True, "false"])
def test_a_bare_cluster_gets_no_images(wanted: bool | str) -> None:
    (task,) = [
        task for task in yaml.safe_load((ROLE / "tasks" / "started.yml").read_text()) if "mirror" in task["name"]
    ]
    assert task["ansible.builtin.include_tasks"] == "images.yml"
    assert evaluate(task["when"], lab_stock_mirror=wanted) is (wanted is True)


def test_the_time_that_a_start_and_a_stop_may_take_is_given_on() -> None:
    """What the action makes of it is tested in test_instance.py."""
    given = [
        task["selfhosted.serverless.lab_instance"] for task in yaml.safe_load((ROLE / "tasks/start.yml").read_text())
    ]
    assert [evaluate(one["timeout"][3:-3], lab_start_timeout=11, lab_stop_timeout=12) for one in given[1:]] == [12, 11]


def play(folder: Path, tasks_from: str, *arguments: str, **options: Any) -> tuple[int, str]:
    """Run tasks of the role for a lab in `folder`/lab."""
    roles = {"name": "selfhosted.serverless.lab", "tasks_from": tasks_from}
    options = {"lab_directory": str(folder / "lab"), "ansible_python_interpreter": sys.executable, **options}
    tasks = [{"ansible.builtin.include_role": roles}]
    one = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": options, "tasks": tasks}
    (folder / "play.yml").write_text(yaml.safe_dump([one]))
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".venv" / "collections"),
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_NOCOLOR": "1",
    }
    words = [str(Path(sys.executable).with_name("ansible-playbook")), str(folder / "play.yml"), *arguments]
    done = subprocess.run(words, capture_output=True, text=True, env=environment, check=False, timeout=600)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose path leaves room for the sockets below it."""
    with tempfile.TemporaryDirectory(prefix="lab-") as folder:
        yield Path(folder)


def test_a_machine_that_is_too_small_is_told_before_anything_is_made(tmp_path: Path) -> None:
    wanted = {"lab_state": "built", "lab_minimum_memory": 100_000, "lab_minimum_disk": 1_000_000}
    code, output = play(tmp_path, "main", lab_cache_directory=str(tmp_path / "cache"), **wanted)
    assert code != 0
    assert "GiB of memory; the lab needs 100000" in output and "GiB free; the lab needs 1000000" in output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["play.yml"]


def test_the_components_that_are_named_are_built_alone_and_into_the_cache_that_is_named(short_path: Path) -> None:
    tmp_path = short_path
    wanted = {"lab_state": "built", "lab_components": ["pause"], "lab_minimum_disk": 0.01, "lab_minimum_memory": 0.01}
    code, output = play(tmp_path, "main", "--check", "-v", lab_cache_directory=str(tmp_path / "cache"), **wanted)
    assert code == 0, output
    built = output.partition("TASK [selfhosted.serverless.lab : Build the components]")[2].partition("TASK")[0]
    assert "built:\n    - pause\n" in built, "all are new to this cache, and one of them is asked for"
    assert f"pause: {tmp_path}/cache/bin/pause/" in built


def test_the_private_registry_knows_the_user_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "lab" / "registry").mkdir(parents=True)
    code, output = play(tmp_path, "password", lab_registry_username="somebody")
    assert code == 0, output
    assert (tmp_path / "lab" / "registry" / "htpasswd").read_text().startswith("somebody:$2y$")
    assert len((tmp_path / "lab" / "registry" / "password").read_text()) == 32
