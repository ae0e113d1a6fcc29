"""todo_build with real tools and registries: what is built, by which, through what, and once for two runs."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "module_utils" / "images" / "support"))

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.copy import push_layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.settings import RegistrySettings
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.architecture import built_for
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.builder import Builder
from docker_daemon import DockerDaemon
from forward_proxies import ConnectProxy, serving
from plays import play
from registry_process import PASSWORD, USERNAME, RegistryProcess
from sample_images import SampleImage, layer_of
from throwaway_pki import NAME, Pki


@pytest.fixture(autouse=True)
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store of images for each test: in the machine's, others may build the same."""
    store = {"driver": "vfs", "graphroot": f"{tmp_path}/images", "runroot": f"{tmp_path}/run"}
    lines = ["[storage]", *(f'{name} = "{value}"' for name, value in store.items())]
    (tmp_path / "storage.conf").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", f"{tmp_path}/storage.conf")


@pytest.fixture
def arguments(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What builds an image on a base that a real registry has."""
    registry = RegistryProcess(tmp_path / "registry")
    base = f"{registry.host}/team/base:1"
    push_layout(
        SampleImage(layer_of(b"base")).write(tmp_path / "base"), "", Registry(registry.host), Reference.parse(base)
    )
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "a").write_text("a")
    (tmp_path / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nCOPY a /a\n")
    yield {
        # A tag as registries take it; podman takes none with two underscores into a layout
        "image": f"{registry.host}/todo/app:0123456789__abcdef",
        "sources": str(tmp_path / "app"),
        "dockerfile": str(tmp_path / "Dockerfile"),
        "base": base,
        "base_plain_http": True,
    }
    registry.stop()


@pytest.mark.parametrize("builder", ["buildah", "podman"])
def test_two_runs_at_once_build_it_once(
    arguments: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, builder: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tasks = [{"selfhosted.serverless.todo_build": {**arguments, "builder": builder}}]

    def run(name: str, *options: str) -> dict[str, Any]:
        (tmp_path / name).mkdir()
        return play(tmp_path / name, tasks, "-v", *options)[0]

    assert run("check", "--check")["digest"] == ""
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(run, ("one", "two")))
    assert not [result["msg"] for result in results if "msg" in result]
    assert sorted(result["changed"] for result in results) == [False, True]
    assert results[0]["digest"] == results[1]["digest"] and results[0]["digest"].startswith("sha256:")


def test_an_image_that_no_node_can_run_is_told_before_it_is_built_and_when_it_is_there(
    arguments: dict[str, Any], tmp_path: Path
) -> None:
    """The builder is this machine; the image that is there is that of a test, for amd64."""
    here = built_for(Builder("buildah", "buildah"))
    (tmp_path / "app" / "requirements.txt").write_text("")  # the index is asked for nothing
    registry, _slash, repository = arguments["image"].partition(":0")[0].partition("/")
    look = {name: arguments[name] for name in ("sources", "dockerfile", "base")}
    look |= {"registry": registry, "repository": repository, "builder": "buildah"}

    def run(name: str, *architectures: str) -> tuple[dict[str, Any], str]:
        (tmp_path / name).mkdir()
        task = {"selfhosted.serverless.todo_image": {**look, "architectures": list(architectures)}}
        return play(tmp_path / name, [task], "-v")

    result, _output = run("none", "s390x")
    assert f"as buildah builds it here, is for {here}, and the cluster's nodes are of s390x" in result["msg"]
    result, output = run("some", here, "s390x")
    assert result["key"] and "its pods fail on nodes of s390x" in " ".join(output.split())
    image = f"{registry}/{repository}:{result['key']}"
    push_layout(
        SampleImage(layer_of(b"app")).write(tmp_path / "pushed"), "", Registry(registry), Reference.parse(image)
    )
    result, _output = run("there", "s390x")
    assert f"{image} is for amd64, and the cluster's nodes are of s390x" in result["msg"]
    assert run("fits", "amd64")[0]["digest"]


def test_podman_under_its_own_name_and_under_docker_s_makes_what_buildah_makes(
    arguments: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package podman-docker has a docker that is podman."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "docker").write_text(f'#!/bin/sh\nexec {shutil.which("podman")} "$@"\n')
    (tmp_path / "bin" / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    digests = set()
    for builder, said in (("buildah", "with buildah"), ("podman", "with podman"), ("docker", "with docker, which is")):
        tasks = [
            {
                "selfhosted.serverless.todo_build": {
                    **arguments,
                    "builder": builder,
                    "image": f"{arguments['image']}-{builder}",
                }
            }
        ]
        result, output = play(tmp_path, tasks, "-v")
        assert result["changed"] and said in output
        digests.add(result["digest"])
    assert len(digests) == 1
    command = ["podman", "images", "--quiet", "selfhosted-todo"]
    left = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not left.stdout


def test_a_docker_that_is_too_old_is_named(
    arguments: dict[str, Any],
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Debian's, really asked."""
    daemon = DockerDaemon(tmp_path_factory.mktemp("d") / "docker")  # a short path, as sockets want it
    try:
        monkeypatch.setenv("DOCKER_HOST", daemon.client[2])
        version = int(daemon.version.partition(".")[0])
        result, _output = play(
            tmp_path, [{"selfhosted.serverless.todo_build": {**arguments, "builder": "docker"}}], "-v"
        )
    finally:
        daemon.stop()
    said = "docker has no buildx" if version >= 25 else f"docker {version} is too old, 25 is needed"
    assert said in result["msg"]


@pytest.mark.parametrize("builder", ["buildah", "podman"])
def test_registries_behind_a_proxy_with_a_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, builder: str) -> None:
    """The base comes, and the image goes, through it; the registry has TLS and a password."""
    pki = Pki(tmp_path / "pki")
    registry = RegistryProcess(tmp_path / "registry", pki.server_certificate, pki.server_key)
    settings = {
        "username": USERNAME,
        "password": {"value": PASSWORD},
        "ca_file": str(pki.ca_certificate),
    }
    sample = SampleImage(layer_of(b"base")).write(tmp_path / "base")
    direct = RegistrySettings.from_config(registry.host, settings)
    push_layout(sample, "", Registry(registry.host, direct), Reference.parse(f"{registry.host}/team/base:1"))
    login = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
    (tmp_path / "auth.json").write_text(json.dumps({"auths": {NAME: {"auth": login}}}))
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "a").write_text("a")
    (tmp_path / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nCOPY a /a\n")
    task = {
        "builder": builder,
        "image": f"{NAME}/todo/app:0123456789abcdef",
        "sources": str(tmp_path / "app"),
        "dockerfile": str(tmp_path / "Dockerfile"),
        "base": f"{NAME}/team/base:1",
        "images": {"registries": {NAME: settings}},
    }
    host, port = registry.host.split(":")
    try:
        with serving(ConnectProxy((host, int(port)), "me:proxy-canary-1")) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", f"http://me:proxy-canary-1@127.0.0.1:{proxy.port}")
            monkeypatch.setenv("NO_PROXY", "")
            monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
            monkeypatch.setenv("SSL_CERT_FILE", str(pki.ca_certificate))
            result, output = play(tmp_path, [{"selfhosted.serverless.todo_build": task}], "-vvvv")
    finally:
        registry.stop()
    assert "msg" not in result, result["msg"]
    assert result["changed"] and result["digest"].startswith("sha256:")
    assert len([asked for asked in proxy.asked if asked == f"{NAME}:443"]) >= 2
    assert "canary" not in output and PASSWORD not in output
