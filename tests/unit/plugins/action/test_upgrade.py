"""An upgrade as a playbook makes it: release and settle, with what the inventory says of going back."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from api_server import ApiServer

ROOT = Path(__file__).resolve().parents[4]


def release(name: str, value: str, version: str, **options: Any) -> dict[str, Any]:
    data = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": name}, "data": {"x": value}}
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    arguments = {"name": name, "version": version, "upgrade": True, "definitions": [space, data], "timeout": 20}
    return {"selfhosted.serverless.release": {**arguments, **options}}


def settle(*names: str, when: str = "good") -> dict[str, Any]:
    ready = {"api_version": "v1", "kind": "ConfigMap", "namespace": names[0], "name": "a"}
    return {
        "selfhosted.serverless.settle": {
            "releases": [{"name": name} for name in names],
            "for": [{**ready, "expression": f"data.x == '{when}'"}],
            "timeout": 3,
        }
    }


def play(tmp_path: Path, server: ApiServer, *tasks: dict[str, Any], **variables: Any) -> tuple[int, str]:
    variables = {"serverless_context": "test", "serverless_kubeconfig": str(server.kubeconfig), **variables}
    content = [{"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": list(tasks)}]
    (tmp_path / "play.yml").write_text(yaml.safe_dump(content))
    environment = {
        **os.environ,
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".venv" / "collections"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_LOCALHOST_WARNING": "0",
    }
    command = [str(Path(sys.executable).with_name("ansible-playbook")), str(tmp_path / "play.yml")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=180)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def value_of(cluster: Cluster, name: str) -> str:
    return cluster.get("v1", "ConfigMap", "a", name)["data"]["x"]


def test_it_is_complete_once(tmp_path: Path, api_server: ApiServer, name: str) -> None:
    first, second = release(name, "old", "1.1.0"), release(name, "good", "1.2.0")
    code, output = play(tmp_path, api_server, first, settle(name, when="old"), second, settle(name), settle(name))
    assert code == 0, output
    assert output.count(f"{name} is upgraded from 1.1.0 to 1.2.0") == 1
    assert "changed=3 " in output


@pytest.mark.parametrize("rollback", [True, False])
def test_the_inventory_says_whether_it_goes_back(
    tmp_path: Path, api_server: ApiServer, cluster: Cluster, name: str, rollback: bool
) -> None:
    tasks = [release(name, "old", "1.1.0"), release(name, "bad", "1.2.0"), settle(name)]
    code, output = play(tmp_path, api_server, *tasks, serverless_upgrade_rollback=rollback)
    assert code != 0
    assert value_of(cluster, name) == ("old" if rollback else "bad")
    said = (
        f"The upgrade was taken back ({name} from 1.2.0 to 1.1.0)"
        if rollback
        else "serverless_upgrade_rollback is false"
    )
    assert said in output, output


def test_what_fails_on_the_way_takes_back_what_came_before_it(
    tmp_path: Path, api_server: ApiServer, cluster: Cluster, name: str
) -> None:
    other = f"{name}-b"
    refused = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": other}, "data": {"x": 1}}
    tasks = [
        release(name, "old", "1.1.0"),
        release(other, "old", "2.1.0"),
        release(name, "good", "1.2.0"),
        release(other, "good", "2.2.0", definitions=[refused], together=[name]),
    ]
    code, output = play(tmp_path, api_server, *tasks)
    assert code != 0
    assert f"release '{other}' is not applied, nothing was changed" in output
    assert f"The upgrade was taken back ({name} from 1.2.0 to 1.1.0)" in output
    assert value_of(cluster, name) == value_of(cluster, other) == "old"


def test_what_is_refused_at_once_changes_nothing(
    tmp_path: Path, api_server: ApiServer, cluster: Cluster, name: str
) -> None:
    bad = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": name}, "data": {"x": 1}}
    code, output = play(
        tmp_path, api_server, release(name, "old", "1.1.0"), release(name, "", "1.2.0", definitions=[bad])
    )
    assert code != 0 and "nothing was changed" in output and "taken back" not in output
    assert value_of(cluster, name) == "old"


def test_a_wait_that_is_put_off_is_made_up_for_where_somebody_needs_it(
    tmp_path: Path, api_server: ApiServer, name: str
) -> None:
    later = {"later": True}

    def put_off(of: str, when: str) -> dict[str, Any]:
        task = settle(of, when=when)
        task["selfhosted.serverless.settle"] |= later
        return task

    mine, other, needs = f"{name}-a", f"{name}-b", f"{name}-c"
    begin = [release(mine, "new", "1.0.0"), put_off(mine, "never")]
    # Nobody needs it: the run goes on, and only what waits for the rest meets it.
    code, output = play(tmp_path, api_server, *begin, release(other, "new", "1.0.0"))
    assert code == 0, output
    code, output = play(tmp_path, api_server, *begin, {"selfhosted.serverless.settle": {"rest": True}})
    assert code != 0 and f"ConfigMap {mine}/a" in output and "not fulfilled after 3 s" in output
    code, output = play(tmp_path, api_server, *begin, release(needs, "new", "1.0.0", requires=[mine]))
    assert code != 0 and f"ConfigMap {mine}/a" in output
    # What it needs by name may still be put off, where it says what must be ready first.
    code, output = play(tmp_path, api_server, *begin, release(needs, "new", "1.0.0", requires=[mine], after=[]))
    assert code == 0, output
    good = [release(mine, "new", "1.0.0"), put_off(mine, "new")]
    code, output = play(tmp_path, api_server, *good, {"selfhosted.serverless.settle": {"rest": True}})
    assert code == 0, output


@pytest.mark.parametrize("times", [1, 2])
def test_the_wait_for_an_upgrade_is_not_put_off(tmp_path: Path, api_server: ApiServer, name: str, times: int) -> None:
    """Also where a run before has begun it, and nothing is left to apply."""
    second = settle(name)
    second["selfhosted.serverless.settle"]["later"] = "{{ applied.calm }}"
    first = release(name, "old", "1.1.0"), settle(name, when="old")
    upgrade = [{**release(name, "good", "1.2.0"), "register": "applied"}] * times
    code, output = play(tmp_path, api_server, *first, *upgrade, second)
    assert code == 0, output
    assert f"{name} is upgraded from 1.1.0 to 1.2.0" in output


def test_what_is_as_it_was_may_be_waited_for_later(tmp_path: Path, api_server: ApiServer, name: str) -> None:
    calm = {"ansible.builtin.assert": {"that": "applied.calm"}}
    begin = [release(name, "good", "1.1.0"), settle(name)]
    again = {**release(name, "good", "1.1.0"), "register": "applied"}
    code, output = play(tmp_path, api_server, *begin, again, calm)
    assert code == 0, output
