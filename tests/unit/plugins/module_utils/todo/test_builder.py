"""The tool that builds images is told by what it says of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.builder import (
    Builder,
    BuilderError,
    choose_builder,
)

BUILDAH = {"--version": "buildah version 1.42.0 (image-spec 1.1.1, runtime-spec 1.2.1)"}
PODMAN = {"--version": "podman version 5.6.0", "info": "host: {}"}
NOISY_PODMAN = {**PODMAN, "--version": "Emulate Docker CLI using podman.\npodman version 5.6.0"}
NERDCTL = {"--version": "nerdctl version 2.1.6", "info": "Client:"}


def docker(version: str = "29.1.0", buildx: bool = True, context: str = "default", **server: Any) -> dict[str, str]:
    """The answers of a docker with a daemon of this version."""
    told = {"Version": version, "Platform": {"Name": "Docker Engine - Community"}, **server}
    answers = {"--version": f"Docker version {version}, build 1", "version": json.dumps(told), "context": context}
    return {**answers, **({"buildx": "github.com/docker/buildx v0.30.1"} if buildx else {})}


NO_DAEMON = {"--version": "Docker version 29.1.0, build 1"}
PODMAN_SERVICE = docker("5.6.0", Platform={"Name": "linux/amd64/debian-13"}, Components=[{"Name": "Podman Engine"}])

Programs = Mapping[str, Mapping[str, str]]


def choose(wanted: str, programs: Programs) -> Builder:
    def ask(words: Sequence[str]) -> str | None:
        return programs.get(words[0], {}).get(words[1])

    return choose_builder(wanted, lambda name: name if name in programs else None, ask)


@pytest.mark.parametrize(
    ("wanted", "programs", "chosen"),
    [
        ("auto", {"buildah": BUILDAH, "docker": docker()}, Builder("buildah", "buildah", "1.42.0")),
        ("auto", {"docker": docker()}, Builder("docker", "docker", "29.1.0", "default")),
        ("auto", {"docker": docker(context="rootless")}, Builder("docker", "docker", "29.1.0", "rootless")),
        ("docker", {"buildah": BUILDAH, "docker": docker()}, Builder("docker", "docker", "29.1.0", "default")),
        # podman under docker's name, as the package podman-docker has it
        ("auto", {"docker": PODMAN}, Builder("podman", "docker", "5.6.0")),
        ("docker", {"docker": PODMAN}, Builder("podman", "docker", "5.6.0")),
        ("auto", {"docker": NERDCTL}, Builder("nerdctl", "docker", "2.1.6")),
        ("auto", {"docker": NOISY_PODMAN}, Builder("podman", "docker", "5.6.0")),
        ("docker", {"docker": docker("v28.0.4")}, Builder("docker", "docker", "v28.0.4", "default")),
        ("docker", {"docker": docker("dev", ApiVersion="1.53")}, Builder("docker", "docker", "dev", "default")),
        (
            "docker",
            {"docker": docker("0.0.0-2026", ApiVersion="1.44")},
            Builder("docker", "docker", "0.0.0-2026", "default"),
        ),
        ("auto", {"docker": docker("library-import"), "podman": PODMAN}, Builder("podman", "podman", "5.6.0")),
        ("auto", {"podman": PODMAN}, Builder("podman", "podman", "5.6.0")),
        ("auto", {"nerdctl": NERDCTL}, Builder("nerdctl", "nerdctl", "2.1.6")),
        ("auto", {"docker": NO_DAEMON, "podman": PODMAN}, Builder("podman", "podman", "5.6.0")),
        ("auto", {"docker": docker(buildx=False), "podman": PODMAN}, Builder("podman", "podman", "5.6.0")),
        ("auto", {"docker": PODMAN_SERVICE, "podman": PODMAN}, Builder("podman", "podman", "5.6.0")),
    ],
)
def test_the_tool_that_is_there(wanted: str, programs: Programs, chosen: Builder) -> None:
    assert choose(wanted, programs) == chosen


@pytest.mark.parametrize(
    ("wanted", "programs", "reason"),
    [
        ("auto", {}, "buildah is not in PATH; docker is not in PATH; podman is not in PATH; nerdctl is not in PATH"),
        ("auto", {"docker": NO_DAEMON}, "docker's daemon does not answer; start it"),
        ("buildah", {"docker": docker()}, "buildah is not in PATH. .* set todo_builder to one of buildah, docker"),
        ("docker", {"docker": docker("20.10.24")}, "docker 20 is too old, 25 is needed"),
        ("docker", {"docker": docker("dev", ApiVersion="1.43")}, "docker dev is too old, 25 is needed"),
        ("docker", {"docker": docker(buildx=False)}, "docker has no buildx"),
        ("docker", {"docker": PODMAN_SERVICE}, "docker speaks to podman 5.6.0, which builds with secrets only"),
        ("docker", {"docker": {"--version": "podman version 5.6.0"}}, "docker, which is podman 5.6.0, does not work"),
        ("nerdctl", {"nerdctl": {"--version": "nerdctl version 2.1.6"}}, "nerdctl cannot reach its containerd"),
        ("podman", {"podman": {}}, "podman --version fails"),
    ],
)
def test_what_cannot_be_used_is_an_error_with_advice(wanted: str, programs: Programs, reason: str) -> None:
    with pytest.raises(BuilderError, match=reason):
        choose(wanted, programs)
