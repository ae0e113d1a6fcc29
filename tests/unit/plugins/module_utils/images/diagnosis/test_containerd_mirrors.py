"""registry.mirrors beside config_path: what a real containerd makes of each combination, and what is advised."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.containerd_config import (
    config_path,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.facts import (
    ContainerdConfig,
    Finding,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.node_facts import (
    containerd_config,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.runtimes import node_from_config
from containerd_process import find_containerd

CERTS = "/etc/containerd/certs.d"
# The CRI plugin's name by version of the configuration
PLUGINS = {1: "cri", 2: "io.containerd.grpc.v1.cri", 3: "io.containerd.cri.v1.images"}


def config(version: int, path: str = "", mirrors: str = "", tls: str = "", auth: str = "") -> str:
    registry = f"[plugins.'{PLUGINS[version]}'.registry"
    lines = [f"version = {version}"] if version > 1 else []
    lines += [f"{registry}]", f"config_path = '{path}'"] if path else []
    lines += [f"{registry}.mirrors.'{mirrors}']", "endpoint = ['https://m.example']"] if mirrors else []
    lines += [f"{registry}.configs.'{tls}'.tls]", "insecure_skip_verify = true"] if tls else []
    lines += [f"{registry}.configs.'{auth}'.auth]", "username = 'u'"] if auth else []
    return "\n".join(lines) + "\n"


def ask(tmp_path: Path, words: list[str], text: str, certs: str = CERTS) -> ContainerdConfig:
    file = tmp_path / "config.toml"
    file.write_text(text)
    entry = {"name": "n", "exec": words, "runtime": "containerd", "certs_dir": certs, "config": str(file)}
    told = containerd_config(node_from_config(entry))  # type: ignore[arg-type]
    assert told
    return told


def plugin_loads(tmp_path: Path, text: str) -> bool:
    """Start a real containerd with this configuration and return whether its CRI plugin takes it."""
    file, log = tmp_path / "started.toml", tmp_path / "log"
    # Keys come before tables; the last of them would take what follows.
    head, _break, tables = text.partition("\n") if text.startswith("version") else ("", "", text)
    place = f"root = '{tmp_path}/root'\nstate = '{tmp_path}/state'\n"
    file.write_text(f"{head}\n{place}[grpc]\naddress = '{tmp_path}/s'\n{tables}")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(find_containerd() / "containerd"), "--config", str(file)], stdout=output, stderr=output
        )
    try:
        limit = time.monotonic() + 60
        while "containerd successfully booted" not in (said := log.read_text()):
            assert process.poll() is None and time.monotonic() < limit, said[-2000:]
            time.sleep(0.05)
        return "invalid cri image config" not in said
    finally:
        process.terminate()
        process.wait(30)


WAYS = ("dump", "file")
# containerd 1.x, a dependency of Debian's docker.io
OLD = Path("/usr/bin/containerd")


@pytest.fixture
def node(tmp_path: Path) -> Callable[[str], list[str]]:
    """Words that run a command where there is a containerd (dump: 2.x, old: 1.x), or none (file)."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sh", "cat"):
        (programs / name).symlink_to(str(shutil.which(name)))

    def words(way: str) -> list[str]:
        containerd = {"dump": find_containerd() / "containerd", "old": OLD}.get(way)
        if containerd:
            (programs / "containerd").symlink_to(containerd)
        return ["env", f"PATH={programs}"]

    return words


def steps(finding: Finding) -> list[str]:
    return re.findall(r"\d\. ([^;]+?)(?=[;.] ?(?:\d\.|$))", finding.remedy)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("version", PLUGINS)
def test_mirrors_alone_must_go_before_config_path_comes(
    version: int, way: str, tmp_path: Path, node: Callable[[str], list[str]]
) -> None:
    text = config(version, mirrors="docker.io")
    (found,) = config_path("n", ask(tmp_path, node(way), text))
    assert "registry.mirrors (docker.io) set, config_path is not" in found.message
    assert found.fatal is (way == "dump")
    told = steps(found)
    assert [any(part in step for step in told) for part in ("hosts.toml", "remove", "set config_path")] == [True] * 3
    assert [step.split()[0] for step in told] == ["write", "remove", "set", "restart"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("version", PLUGINS)
def test_both_are_named(version: int, way: str, tmp_path: Path, node: Callable[[str], list[str]]) -> None:
    text = config(version, CERTS, "docker.io")
    (found,) = config_path("n", ask(tmp_path, node(way), text))
    assert "both set: containerd's CRI plugin does not load" in found.message and found.fatal
    assert [step.split()[0] for step in steps(found)] == ["write", "remove", "restart"]


def test_a_real_containerd_is_of_the_same_mind(tmp_path: Path, node: Callable[[str], list[str]]) -> None:
    containerd = node("dump")
    for number, (text, loads) in enumerate(
        [
            (config(2, mirrors="docker.io"), True),
            # What the remedy of before would have made of it
            (config(2, CERTS, mirrors="docker.io"), False),
            (config(3, CERTS, mirrors="docker.io"), False),
            (config(3, CERTS), True),
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        assert plugin_loads(folder, text) is loads
        found = config_path("n", ask(folder, containerd, text))
        assert any("does not load" in item.message and "both set" in item.message for item in found) is not loads


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("main", "imported"), [(2, 2), (3, 2), (3, 3), (2, 3)])
def test_what_is_imported_counts(
    main: int, imported: int, way: str, tmp_path: Path, node: Callable[[str], list[str]]
) -> None:
    (tmp_path / "conf d").mkdir()
    (tmp_path / "conf d" / "10-mirrors.toml").write_text(config(imported, mirrors="quay.io"))
    (tmp_path / "conf d" / "20-nothing.toml").write_text(f"version = {imported}\n")
    text = f"imports = ['conf d/*.toml', '/not/there/*.toml']\n{config(main, CERTS)}"
    (found,) = config_path("n", ask(tmp_path, node(way), text))
    assert "registry.mirrors (quay.io) and config_path" in found.message
    assert "there and in the files that it imports" in found.remedy


def test_an_import_may_set_config_path_too(tmp_path: Path, node: Callable[[str], list[str]]) -> None:
    bare = node("file")
    (tmp_path / "x.toml").write_text(config(3, CERTS))
    assert config_path("n", ask(tmp_path, bare, "version = 3\nimports = ['x.toml']\n")) == []
    (tmp_path / "x.toml").write_text("version = = 3")
    (found,) = config_path("n", ask(tmp_path, bare, "version = 3\nimports = ['x.toml']\n"))
    assert "imports what is none" in found.message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (config(1, mirrors="docker.io"), "config_path is not"),
        (config(2, mirrors="docker.io"), "config_path is not"),
        (config(2, CERTS, "docker.io"), "both set"),
        (config(2, CERTS, tls="m.example"), "containerd 1.x does not load"),
        # What is imported takes the place of the plugin's whole table there.
        (f"imports = ['x.toml']\n{config(2, CERTS)}", "registry.mirrors (quay.io) set, config_path is not"),
    ],
)
def test_containerd_1(text: str, message: str, tmp_path: Path, node: Callable[[str], list[str]]) -> None:
    (tmp_path / "x.toml").write_text(config(2, mirrors="quay.io"))
    told = ask(tmp_path, node("old"), text)
    (found,) = config_path("n", told)
    assert told.whole and found.fatal and message in found.message


def test_tls_of_the_older_way() -> None:
    text = config(2, CERTS, tls="m.example")
    (found,) = config_path("n", ContainerdConfig(text, True, CERTS))
    assert "containerd 1.x does not load, 2.x ignores the tls" in found.message and found.fatal
    assert "remove registry.configs.*.tls" in found.remedy
    (found,) = config_path("n", ContainerdConfig(config(2, tls="m.example"), False, CERTS))
    assert [step.split()[0] for step in steps(found)] == ["write", "remove", "set", "restart"]
    # A login there may stand beside config_path.
    assert config_path("n", ContainerdConfig(config(2, CERTS, auth="m.example"), False, CERTS)) == []


def test_another_directory_is_set_with_the_rest() -> None:
    (found,) = config_path("n", ContainerdConfig(config(2, "/other", "docker.io"), True, CERTS))
    assert f'3. set config_path = "{CERTS}"' in found.remedy


@pytest.mark.parametrize(
    ("path", "remark"),
    [
        ("/var/lib/rancher/k3s/agent/etc/containerd/config.toml", "/etc/rancher/k3s/registries.yaml"),
        ("/var/lib/rancher/rke2/agent/etc/containerd/config.toml", "/etc/rancher/rke2/registries.yaml"),
        ("/var/snap/microk8s/current/args/containerd.toml", "containerd-template.toml"),
    ],
)
def test_a_file_that_is_written_anew_is_not_to_be_changed_itself(path: str, remark: str) -> None:
    (found,) = config_path("n", ContainerdConfig(config(2, mirrors="docker.io"), False, CERTS, path=path))
    assert remark in found.remedy
