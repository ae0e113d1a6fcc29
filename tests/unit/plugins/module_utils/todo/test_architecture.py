"""For which nodes the application's image is."""

from __future__ import annotations

import platform
from collections.abc import Sequence

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.architecture import built_for, check_nodes
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.builder import Builder, BuilderError


@pytest.mark.parametrize(
    ("kind", "said", "built"),
    [
        ("docker", "arm64", "arm64"),
        ("podman", "aarch64", "arm64"),
        ("docker", None, "riscv64"),  # what this machine is, where the builder does not tell
        ("buildah", "arm64", "riscv64"),
    ],
)
def test_a_build_is_for_the_builder_s_architecture(
    kind: str, said: str | None, built: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask(words: Sequence[str]) -> str | None:
        assert words[0] == f"the-{kind}" and words[2] == "--format"
        return said

    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert built_for(Builder(kind, f"the-{kind}"), ask) == built


@pytest.mark.parametrize(("machine", "built"), [("x86_64", "amd64"), ("aarch64", "arm64"), ("arm64", "arm64")])
def test_a_machine_s_name_becomes_that_of_images(machine: str, built: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert built_for(Builder("buildah", "buildah")) == built


def test_nodes_that_cannot_run_it_are_told() -> None:
    assert check_nodes("it", ["amd64", "arm64"], ["amd64"]) == ""
    assert check_nodes("it", ["amd64"], []) == ""
    assert check_nodes("it", ["amd64"], ["arm64", "amd64"]).startswith(
        "it is for amd64: its pods fail on nodes of arm64."
    )
    with pytest.raises(BuilderError, match=r"^it is for amd64, and the cluster's nodes are of arm64\. Build it on"):
        check_nodes("it", ["amd64"], ["arm64"])
