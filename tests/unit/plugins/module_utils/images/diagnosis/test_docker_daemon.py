"""daemon.json: what a real dockerd refuses is found, and what it takes is not."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.docker_daemon import docker_mirrors
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.facts import Facts
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.traps import diagnose

SECRET = "hunter2"
# daemon.json, what is found, and what to do; every one of them was refused by dockerd 20.10
REFUSED = [
    ({"registry-mirrors": "https://m.example"}, "no list of texts", 'Write "registry-mirrors": ["..."]'),
    ({"registry-mirrors": ["m.example"]}, "m.example without a scheme", "Write https://m.example"),
    (
        {"registry-mirrors": ["https://m.example/hub"]},
        "with a path, which docker before 25",
        "Write https://m.example;",
    ),
    ({"registry-mirrors": [f"https://u:{SECRET}@m.example"]}, "a login for m.example", "docker login"),
    ({"registry-mirrors": ["https://m.example?a=b"]}, "query or fragment", "Write https://m.example;"),
    ({"insecure-registries": "m.example:5000"}, "no list of texts", "Write"),
    ({"insecure-registries": ["ftp://m.example"]}, "which has a scheme", "Write m.example"),
    ({"insecure-registries": ["m.example:5000/x"]}, "which has a path", "Write m.example:5000"),
    ({"registry-mirror": ["https://m.example"]}, "docker does not know", "Write registry-mirrors"),
    ({"block-registry": ["docker.io"]}, "docker does not know", "Remove it"),
    ([], "no object", "Repair it"),
]
TAKEN = [
    {},
    {
        "registry-mirrors": ["https://m.example/"],
        "insecure-registries": ["m.example:5000", "10.0.0.0/8", "http://n.io"],
    },
    {"log-level": "warn"},
]


def refusal(tmp_path: Path, text: str) -> str:
    """Return what a real dockerd says of its configuration before it ends."""
    (tmp_path / "daemon.json").write_text(text)
    places = {"config-file": "daemon.json", "data-root": "r", "exec-root": "e", "pidfile": "p", "containerd": "none"}
    words = [word for option, name in places.items() for word in (f"--{option}", str(tmp_path / name))]
    with tempfile.TemporaryDirectory(prefix="dkr-") as short:  # a socket's path must be short
        words += ["--host", f"unix://{short}/s", "--bridge", "none", "--iptables=false"]
        # It mounts its own folder and leaves that behind.
        command = ["unshare", "--mount", "dockerd", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize(("document", "message", "remedy"), REFUSED)
def test_what_docker_does_not_start_with(document: object, message: str, remedy: str, tmp_path: Path) -> None:
    text = json.dumps(document)
    (found,) = docker_mirrors("n", text, ["gcr.io/a/b:1"])
    assert message in found.message and remedy in found.remedy and found.fatal
    assert "docker does not start with it" in found.remedy
    assert SECRET not in f"{found}"


@pytest.mark.parametrize("document", TAKEN)
def test_what_docker_takes(document: dict[str, object]) -> None:
    assert (
        docker_mirrors(
            "n",
            json.dumps(document),
            ["docker.io/library/a:1"],
            ["n.io", "10.1.2.3:5000"] * bool(document.get("insecure-registries")),
        )
        == []
    )


@pytest.mark.parametrize("text", ["", "  \n", "{}"])
def test_nothing_said_is_nothing_wrong(text: str) -> None:
    assert docker_mirrors("n", text, ["gcr.io/a:1"]) == []


def test_no_json_and_a_mark_before_it() -> None:
    (found,) = docker_mirrors("n", '{"debug": true,}', [])
    assert "is no JSON" in found.message
    (found,) = docker_mirrors("n", "\ufeff{}", [])
    assert "byte order mark" in found.message and found.fatal


def test_a_later_docker_takes_paths_and_a_mark() -> None:
    text = '\ufeff{"registry-mirrors": ["https://m.example/hub"]}'
    assert docker_mirrors("n", text, ["docker.io/library/a:1"], (), 25) == []
    (found,) = docker_mirrors("n", text.removeprefix("\ufeff"), [], (), 24)
    assert "with a path" in found.message
    facts = {"docker": {"a": text, "b": text}, "docker_versions": {"a": 29}}
    assert [item.where for item in diagnose(Facts(**facts))] == ["b, docker's daemon.json"]


def test_a_name_may_be_in_a_network_that_docker_is_told() -> None:
    text = '{"insecure-registries": ["192.168.0.0/16"]}'
    (found,) = docker_mirrors("n", text, [], ["registry.lan:5000"])
    assert "lacks registry.lan:5000" in found.message and not found.fatal
    (found,) = docker_mirrors("n", text, [], ["registry.lan:5000", "10.1.2.3:5000"])
    assert found.fatal


@pytest.mark.parametrize(
    ("insecure", "host", "is_told"),
    [
        ([], "m.example:5000", False),
        (["m.example"], "m.example:5000", False),
        (["m.example:5000"], "m.example:5000", True),
        (["10.0.0.0/8"], "10.1.2.3:5000", True),
        (["10.0.0.0/8"], "192.0.2.1", False),
        (["http://m.example:5000"], "m.example:5000", True),
        (["fd00::/8"], "[fd00::1]:5000", True),
    ],
)
def test_registries_without_tls_must_be_told(insecure: list[str], host: str, is_told: bool) -> None:
    found = docker_mirrors("n", json.dumps({"insecure-registries": insecure}), [], [host])
    assert [item.trap for item in found] == ["insecure-registries"] * (not is_told)
    for item in found:
        assert host in item.message and f'"{host}"]' in item.remedy and item.fatal


@pytest.mark.parametrize("number", range(5))
def test_a_real_docker_is_of_the_same_mind(number: int, tmp_path: Path) -> None:
    said = refusal(tmp_path, json.dumps(REFUSED[number][0]))
    assert "unable to configure the Docker daemon with file" in said or "invalid mirror" in said
