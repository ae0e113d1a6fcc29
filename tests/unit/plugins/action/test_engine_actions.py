"""render, release and wait as a user meets them: in a playbook, against a real API server."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.checksum import sha256_of
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from api_server import ApiServer
from throwaway_pki import Pki

ROOT = Path(__file__).resolve().parents[4]
CANARY = "canary-4711-password"


class Playbook:
    """Runs tasks on localhost; `run` gives the results of all tasks, in order, and keeps the whole output."""

    def __init__(self, directory: Path, server: ApiServer) -> None:
        self.directory = directory
        self.server = server
        self.output = ""

    def run(self, tasks: list[dict[str, Any]], *options: str, verbose: bool = True) -> list[dict[str, Any]]:
        play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks}
        file = self.directory / "play.yml"
        file.write_text(yaml.safe_dump([play]))
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".venv" / "collections"),
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "KUBECONFIG": str(self.server.kubeconfig),
            "HOME": str(self.directory),
            "DATABASE_PASSWORD": CANARY,
        }
        command = [
            str(Path(sys.executable).with_name("ansible-playbook")),
            *(["-v"] if verbose else []),
            *options,
            str(file),
        ]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=120)
        self.output = done.stdout + done.stderr
        starts = [found.end() - 1 for found in re.finditer(r"\] => \{", done.stdout)]
        return [json.JSONDecoder().raw_decode(done.stdout, start)[0] for start in starts]


@pytest.fixture
def playbook(tmp_path: Path, api_server: ApiServer) -> Playbook:
    return Playbook(tmp_path, api_server)


def release(name: str, **options: Any) -> dict[str, Any]:
    return {"selfhosted.serverless.release": {"name": name, "context": "test", "timeout": 30, **options}}


def wait(**target: Any) -> dict[str, Any]:
    return {"selfhosted.serverless.wait": {"context": "test", "for": [target], "timeout": 10}}


def render(**options: Any) -> dict[str, Any]:
    return {"selfhosted.serverless.render": {"dest": "/tmp/nothing.yaml", **options}}


def config_map(name: str, data: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def test_render_release_wait_and_remove(playbook: Playbook, cluster: Cluster, name: str, tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.yaml"
    manifest.write_text(yaml.safe_dump(config_map("a", {"x": "1"})))
    rendered = {
        "selfhosted.serverless.render": {
            "dest": str(tmp_path / "work" / "out.yaml"),
            "content": [{"path": str(manifest), "sha256": sha256_of(manifest)}],
            "overlays": [{"match": {"kind": "ConfigMap"}, "patch": {"data": {"y": "2"}}}],
        }
    }
    applied = release(name, manifests=[str(tmp_path / "work" / "out.yaml")], namespace=name, create_namespace=True)
    target = {"api_version": "v1", "kind": "ConfigMap", "namespace": name, "name": "a", "expression": "data.y == '2'"}
    waited = {"selfhosted.serverless.wait": {"context": "test", "for": [target], "timeout": 10}}

    results = playbook.run([rendered, applied, waited], "--check", "--diff")
    assert [result["changed"] for result in results[-3:]] == [False, True, False], playbook.output
    assert cluster.get("v1", "Namespace", name) is None and "+data:" in playbook.output

    results = playbook.run([rendered, applied, waited])
    assert results[0]["documents"] == 1 and results[0]["sources"][0]["sha256"] == sha256_of(manifest)
    assert results[1]["created"] == [f"ConfigMap {name}/a", f"Namespace {name}"]
    assert results[2]["ready"] == [f"ConfigMap {name}/a: data.y == '2'"]
    assert cluster.get("v1", "ConfigMap", "a", name)["data"] == {"x": "1", "y": "2"}

    for options in (["--check"], []):
        results = playbook.run([rendered, applied, waited], *options)
        assert not any(result["changed"] for result in results), playbook.output
    assert playbook.run([release(name, state="absent")])[0]["deleted"] == [f"ConfigMap {name}/a", f"Namespace {name}"]


def test_a_long_plan_is_counted_unless_more_is_asked_for(playbook: Playbook, name: str) -> None:
    many = [config_map(f"number-{one}", {"x": "1"}) for one in range(20)]
    task = release(name, definitions=many, namespace=name, create_namespace=True)
    named = f"ConfigMap {name}/number-7: it is not there"
    playbook.run([task], "--check", verbose=False)
    assert "would create 20 ConfigMaps, 1 Namespace\n" in playbook.output and named not in playbook.output
    for words, verbose in ((["--diff"], False), ([], True)):
        playbook.run([task], "--check", *words, verbose=verbose)
        assert named in playbook.output and "20 ConfigMaps" not in playbook.output


def test_a_server_that_is_not_reached_is_told_with_what_to_do(
    playbook: Playbook, api_server: ApiServer, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    api_server.write_kubeconfig(other, api_server.url)
    config = yaml.safe_load(other.read_text())
    authority = Pki(tmp_path / "pki")
    config["clusters"][0]["cluster"]["certificate-authority-data"] = authority.inline(authority.ca_certificate)
    other.write_text(yaml.safe_dump(config))
    playbook.run([release("x", kubeconfig=str(other), definitions=[])])
    assert f"This must work first: KUBECONFIG={other} kubectl --context test get nodes" in playbook.output


def test_no_secret_is_told(playbook: Playbook, cluster: Cluster, name: str, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(CANARY)
    secrets = [
        {"name": "env", "keys": {"password": {"env": "DATABASE_PASSWORD"}}},
        {
            "name": "pull",
            "docker_config": {"r.example": {"username": "u", "password": {"file": f"{tmp_path}/password"}}},
        },
        {"name": "made", "keys": {"password": {"generate": 24}}},
    ]
    task = release(name, namespace=name, create_namespace=True, secrets=secrets)
    sources = {"in_a_file": {"file": f"{tmp_path}/password"}, "of_the_environment": {"env": "DATABASE_PASSWORD"}}
    look = {"selfhosted.serverless.secret_check": {"sources": sources}}
    output = ""
    for options in (["--check", "--diff", "-vvvv"], ["--diff", "-vvvv"], ["--diff", "-vvvv"]):
        results = playbook.run([look, task], *options)
        output += playbook.output
    assert results[-1]["changed"] is False
    made = cluster.get("v1", "Secret", "made", name)["data"]["password"]
    assert "fingerprint" in output
    for told in (CANARY, "Y2FuYXJ5", "ImNhbmFyeS", made):
        assert told not in output


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (release("x", context="prod"), "there is no context 'prod' in"),
        (release("x", manifests=["/nowhere.yaml"]), "/nowhere.yaml cannot be read"),
        (release("x", definitions=[config_map("a", {})]), "ConfigMap a names no namespace"),
        (release("x", secrets=[{"name": "s", "keys": {}}]), "needs a name and a namespace"),
        (release("x", colour="blue"), "colour"),
        (
            {"selfhosted.serverless.wait": {"context": "test", "for": [{"api_version": "v1", "kind": "Pod"}]}},
            "give either",
        ),
        (
            {"selfhosted.serverless.secret_check": {"sources": {"its_password": {"env": "NOT_SET"}}}},
            "its_password: the environment variable NOT_SET is not set or empty",
        ),
        (
            {"selfhosted.serverless.render": {"dest": "/tmp/x", "content": [{"path": "/nowhere"}]}},
            "there is no /nowhere",
        ),
    ],
)
def test_mistakes_are_named(playbook: Playbook, task: dict[str, Any], said: str) -> None:
    playbook.run([task])
    assert said in playbook.output and "Traceback" not in playbook.output
