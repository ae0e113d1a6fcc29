"""Which Go builds the lab: the machine's or the wheel's."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.errors import LabBuildError
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.toolchain import (
    GO_WHEEL,
    choose_toolchain,
    parse_version,
    required_version,
)

PINNED = parse_version(GO_WHEEL.version)
MODULES = Path(__file__).resolve().parents[5] / "roles" / "lab" / "files" / "go"


@pytest.fixture
def go_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `go` that only knows its version, 1.26.3, as the only program on the path."""
    program = tmp_path / "go"
    program.write_text("#!/bin/sh\necho go1.26.3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return program


@pytest.mark.parametrize(
    ("text", "version"),
    [("1.26", (1, 26, 0)), ("go1.26.8", (1, 26, 8)), ("go1.27rc1", (1, 27, 0)), ("go1.26.8 X:nodwarf5", (1, 26, 8))],
)
def test_versions_are_read_as_go_writes_them(text: str, version: tuple[int, ...]) -> None:
    assert parse_version(text) == version


def test_what_is_no_version_is_refused() -> None:
    with pytest.raises(LabBuildError, match="devel"):
        parse_version("devel +abc")


def test_the_newest_go_line_counts(tmp_path: Path) -> None:
    (tmp_path / "a.mod").write_text("module a\n\ngo 1.26.0\n")
    (tmp_path / "b.mod").write_text("module b\n\ngo 1.26.6\n\nrequire go.example/x v1.0.0\n")
    assert required_version([tmp_path / "a.mod", tmp_path / "b.mod"]) == (1, 26, 6)
    assert required_version([]) == (0, 0, 0)


def test_the_machines_go_is_used_if_it_is_new_enough(go_on_the_path: Path) -> None:
    toolchain = choose_toolchain((1, 26, 3))
    assert (toolchain.command, toolchain.label) == (go_on_the_path, "go1.26.3")


def test_the_wheel_is_used_if_the_machines_go_is_too_old(go_on_the_path: Path) -> None:
    assert choose_toolchain(PINNED).command is None


def test_the_wheel_is_used_if_the_machine_has_no_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert choose_toolchain((1, 0, 0)).version == PINNED


def test_a_broken_go_is_named(go_on_the_path: Path) -> None:
    go_on_the_path.write_text("#!/bin/sh\necho cannot find GOROOT >&2\nexit 2\n")
    with pytest.raises(LabBuildError, match="cannot find GOROOT"):
        choose_toolchain((1, 0, 0))


def test_a_go_that_nobody_has_is_asked_for(go_on_the_path: Path) -> None:
    with pytest.raises(LabBuildError, match="Go 9.9.0 or later"):
        choose_toolchain((9, 9, 0))


def test_the_wheel_is_new_enough_for_every_module_of_the_lab() -> None:
    assert required_version(MODULES.glob("*/go.mod")) <= PINNED
