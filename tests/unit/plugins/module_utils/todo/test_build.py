"""Builds: a real buildah, the exact calls of the tools that are not here, proxies, secrets, and the lock."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "images" / "support"))

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.copy import push_layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.layout.layout import Layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.settings import RegistrySettings
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo import build
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.build import Recipe, alone, build_layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.builder import Builder, BuilderError
from forward_proxies import ConnectProxy, serving
from registry_process import PASSWORD, USERNAME, RegistryProcess
from sample_images import SampleImage, layer_of
from throwaway_pki import Pki

SECRET = "hunter2"
INDEX = f"https://me:{SECRET}@pypi.example/simple"
PROXY = f"http://me:{SECRET}@127.0.0.1:7890"
DOCKERFILE = "ARG BASE\nFROM ${BASE}\nARG PIP_INDEX_URL\nLABEL index=${PIP_INDEX_URL}\nCOPY a /a\n"


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    sources = tmp_path / "app"
    sources.mkdir()
    (sources / "a").write_text("a")
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    return Recipe(sources, tmp_path / "Dockerfile", "m.example/library/python:3", index=INDEX)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "build"
    made.mkdir()
    return made


def with_base(recipe: Recipe, base: str, plain: bool) -> Recipe:
    return Recipe(recipe.sources, recipe.dockerfile, base, plain, recipe.index)


def test_a_real_buildah(recipe: Recipe, folder: Path) -> None:
    registry = RegistryProcess(folder / "registry")
    try:
        base = f"{registry.host}/team/app:1"
        sample = SampleImage(layer_of(b"base")).write(folder / "sample")
        push_layout(sample, "", Registry(registry.host), Reference.parse(base))
        layout = build_layout(Builder("buildah", "buildah"), with_base(recipe, base, True), folder, "t-1")
        image = Layout.open(layout)
        manifest = image.manifest(image.find())
        config = image.read(manifest.config()).decode()
        assert INDEX in config and len(list(manifest.blobs())) >= 3
        command = ["buildah", "images", "--quiet", "selfhosted-todo"]
        left = subprocess.run(command, capture_output=True, text=True, check=False)
        assert not left.stdout
        with pytest.raises(BuilderError, match="buildah build failed"):
            build_layout(Builder("buildah", "buildah"), with_base(recipe, base, False), folder, "t-2")
    finally:
        registry.stop()


@pytest.mark.parametrize("content", [None, b"no PEM"], ids=["not there", "no PEM"])
def test_authorities_that_cannot_be_used_are_told_before_the_build(
    recipe: Recipe, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    environ = record(tmp_path, "docker")
    monkeypatch.setenv("PATH", environ["PATH"])
    bundle = tmp_path / "ca.pem"
    if content:
        bundle.write_bytes(content)
    wanted = replace(recipe, ca_file=str(bundle))
    with pytest.raises(BuilderError, match=rf"the file {bundle} .* Set todo_build_ca_file"):
        build_layout(Builder("docker", "docker"), wanted, folder, "t-1", environ)
    assert not Path(environ["CALLS"]).exists(), "the builder is not called"


def test_a_real_buildah_through_a_proxy_with_a_login(recipe: Recipe, folder: Path, tmp_path: Path) -> None:
    pki = Pki(tmp_path / "pki")
    registry = RegistryProcess(folder / "registry", pki.server_certificate, pki.server_key)
    settings = RegistrySettings(registry.host, str(pki.ca_certificate), USERNAME, {"value": PASSWORD})
    sample = SampleImage(layer_of(b"base")).write(folder / "sample")
    push_layout(sample, "", Registry(registry.host, settings), Reference.parse(f"{registry.host}/team/app:1"))
    host, port = registry.host.split(":")
    login = base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
    (tmp_path / "auth.json").write_text(json.dumps({"auths": {"base.test": {"auth": login}}}))
    try:
        with serving(ConnectProxy((host, int(port)), f"me:{SECRET}")) as proxy:
            address = f"http://me:{SECRET}@127.0.0.1:{proxy.port}"
            environ = {**os.environ, "HTTPS_PROXY": address, "REGISTRY_AUTH_FILE": str(tmp_path / "auth.json")}
            # The name exists for the proxy alone; its certificate is for another one.
            changed = with_base(recipe, "base.test/team/app:1", True)
            build_layout(Builder("buildah", "buildah"), changed, folder, "t-3", environ)
            assert any("base.test" in asked for asked in proxy.asked)
            environ["HTTPS_PROXY"] = address.replace(SECRET, "wrong-one")
            with pytest.raises(BuilderError) as caught:
                build_layout(Builder("buildah", "buildah"), changed, folder, "t-4", environ)
            assert "buildah build failed" in str(caught.value) and "wrong-one" not in str(caught.value)
    finally:
        registry.stop()


# In place of tools that are not here: writes its words, and an archive where one is asked for.
RECORDER = """#!/bin/sh
echo "$@" >> "$CALLS"
echo "proxy=$https_proxy base=$BASE conf=$CONTAINERS_REGISTRIES_CONF" >> "$CALLS.env"
for word; do case $word in
  --output=type=oci,dest=*) cp "$ARCHIVE" "${word#--output=type=oci,dest=}" ;;
  --output=*) cp "$ARCHIVE" "${word#--output=}" ;;
esac; done
[ -z "$FAIL" ] || { echo "cannot reach $https_proxy $FAIL" >&2; exit 1; }
"""


def record(directory: Path, program: str) -> dict[str, str]:
    """Put a recorder in the program's place and return the environment that finds it."""
    programs = directory / "programs"
    programs.mkdir()
    (programs / program).write_text(RECORDER)
    (programs / program).chmod(0o755)
    SampleImage().write(directory / "sample")
    archive = shutil.make_archive(str(directory / "sample"), "tar", directory / "sample")
    path = f"{programs}:{os.environ['PATH']}"
    return {"PATH": path, "CALLS": str(directory / "calls"), "ARCHIVE": archive, "https_proxy": PROXY}


@pytest.mark.parametrize(
    ("builder", "calls"),
    [
        (
            Builder("docker", "docker", "29.1.0", "rootless"),
            [
                "buildx build --builder=rootless --load --provenance=false --network=host --pull "
                "--build-arg=https_proxy --build-arg=BASE --build-arg=PIP_INDEX_URL "
                "--secret=id=ca,src={folder}/ca.pem --file={dockerfile} "
                "--tag=localhost/selfhosted-todo:t-1 {sources}",
                "save --output={folder}/image.tar localhost/selfhosted-todo:t-1",
                "rmi localhost/selfhosted-todo:t-1",
            ],
        ),
        (
            Builder("podman", "docker", "5.6.0"),
            [
                "build --isolation=chroot --network=host --pull=always --format=oci --timestamp=0 "
                "--build-arg=BASE --build-arg=PIP_INDEX_URL --secret=id=ca,src={folder}/ca.pem --file={dockerfile} "
                "--tag=localhost/selfhosted-todo:t-1 {sources}",
                "save --format=oci-archive --output={folder}/image.tar localhost/selfhosted-todo:t-1",
                "rmi localhost/selfhosted-todo:t-1",
            ],
        ),
        (
            Builder("nerdctl", "nerdctl", "2.1.6"),
            [
                "build --output=type=oci,dest={folder}/image.tar --build-arg=https_proxy "
                "--build-arg=BASE --build-arg=PIP_INDEX_URL --secret=id=ca,src={folder}/ca.pem --file={dockerfile} "
                "--tag=localhost/selfhosted-todo:t-1 {sources}"
            ],
        ),
    ],
    ids=["docker", "podman as docker", "nerdctl"],
)
def test_the_exact_calls(
    builder: Builder, calls: list[str], recipe: Recipe, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = record(tmp_path, builder.program)
    monkeypatch.setenv("PATH", environ["PATH"])
    layout = build_layout(builder, recipe, folder, "t-1", environ)
    assert Layout.open(layout).find()
    words = {"folder": folder, "dockerfile": recipe.dockerfile, "sources": recipe.sources}
    said = (tmp_path / "calls").read_text()
    assert said.splitlines() == [call.format(**words) for call in calls]
    assert SECRET not in said
    assert f"proxy={PROXY} base={recipe.base}" in (tmp_path / "calls.env").read_text()


@pytest.mark.parametrize(
    ("info", "plain", "hints"),
    [
        ("{}", False, ["docker's daemon has none: it pulls the base image itself"]),
        ('{"HttpsProxy": "http://p:1"}', False, []),
        ('{"HttpProxy": "http://p:1"}', True, ['"insecure-registries" in docker\'s daemon.json must name it']),
        (
            '{"HttpProxy": "http://p:1", "SecurityOptions": ["name=seccomp", "name=rootless"]}',
            False,
            ["the proxy http://127.0.0.1:7890 leads nowhere there"],
        ),
        (
            '{"HttpProxy": "http.docker.internal:3128", "OperatingSystem": "Docker Desktop"}',
            False,
            ["the proxy http://127.0.0.1:7890 leads nowhere there"],
        ),
    ],
)
def test_what_the_daemon_lacks_is_told_without_the_login(
    info: str,
    plain: bool,
    hints: list[str],
    recipe: Recipe,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environ = {**record(tmp_path, "docker"), "FAIL": "1"}
    monkeypatch.setenv("PATH", environ["PATH"])
    builder = Builder("docker", "docker", "29.1.0", "default")
    with pytest.raises(BuilderError) as caught:
        build_layout(builder, with_base(recipe, recipe.base, plain), folder, "t-1", environ, lambda words: info)
    first, said, *told = str(caught.value).splitlines()
    assert first == "docker buildx failed (1):" and said == "cannot reach http://***@127.0.0.1:7890 1"
    assert [hint in line for hint, line in zip(hints, told, strict=True)] == [True] * len(hints)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "info", "proxy", "is_told"),
    [
        ("nerdctl", "{}", PROXY, True),
        ("nerdctl", "{}", "http://proxy.example:3128", False),
        ("podman", '{"host": {"serviceIsRemote": true}}', PROXY, True),
        ("podman", '{"host": {"serviceIsRemote": false}}', PROXY, False),
    ],
)
def test_a_build_elsewhere_does_not_reach_a_proxy_of_this_machine(
    kind: str,
    info: str,
    proxy: str,
    is_told: bool,
    recipe: Recipe,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environ = {**record(tmp_path, kind), "FAIL": "1", "https_proxy": proxy}
    monkeypatch.setenv("PATH", environ["PATH"])
    with pytest.raises(BuilderError) as caught:
        build_layout(Builder(kind, kind), recipe, folder, "t-1", environ, lambda words: info)
    assert ("the proxy http://127.0.0.1:7890 leads nowhere there" in str(caught.value)) is is_told


def test_a_layout_is_unpacked_by_every_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian 12's own Python is 3.11.2, whose tarfile has no filters."""
    monkeypatch.delattr(tarfile, "data_filter")
    monkeypatch.delattr(tarfile.TarFile, "extractall")
    SampleImage().write(tmp_path / "sample")
    archive = Path(shutil.make_archive(str(tmp_path / "sample"), "tar", tmp_path / "sample"))
    with tarfile.open(archive, "a") as tar:
        for name in ("../outside", "/outside", "link"):
            member = tarfile.TarInfo(name)
            member.type = tarfile.SYMTYPE if name == "link" else tarfile.REGTYPE
            member.linkname = "../outside"
            tar.addfile(member)
    build._unpack(archive, tmp_path / "layout")
    assert Layout.open(tmp_path / "layout").find()
    assert not (tmp_path / "outside").exists() and not (tmp_path / "layout" / "link").is_symlink()


def test_a_login_is_not_told_in_another_form(
    recipe: Recipe, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    login = f"me:{SECRET}/@"
    address = PROXY.replace(f"me:{SECRET}", f"me:{quote(SECRET + '/@', safe='')}")
    told = f"{login} {base64.b64encode(login.encode()).decode()} {quote(login)}"
    environ = {**record(tmp_path, "podman"), "FAIL": told, "https_proxy": address}
    monkeypatch.setenv("PATH", environ["PATH"])
    with pytest.raises(BuilderError) as caught:
        build_layout(Builder("podman", "podman", "5.6.0"), recipe, folder, "t-1", environ, lambda words: "{}")
    text = str(caught.value)
    assert SECRET not in text and base64.b64encode(login.encode()).decode() not in text


def test_one_builds_while_the_other_waits(tmp_path: Path) -> None:
    order: list[str] = []
    entered, may_end = threading.Event(), threading.Event()

    def first() -> None:
        with alone("r.example/a:1", order.append, tmp_path):
            entered.set()
            may_end.wait(30)
            order.append("first built")

    def second() -> None:
        with alone("r.example/a:1", lambda line: (order.append(line), may_end.set()), tmp_path):
            order.append("second's turn")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert entered.wait(30)
    threads[1].start()
    # Another image is not waited for.
    with alone("r.example/b:1", order.append, tmp_path):
        pass
    for thread in threads:
        thread.join(30)
    assert order == ["another run builds r.example/a:1; waiting for it, 0 s", "first built", "second's turn"]
