"""Wheels: fetched by the real pip from a directory, checked, and taken apart."""

from __future__ import annotations

import hashlib
import platform
import zipfile
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.errors import LabBuildError
from ansible_collections.selfhosted.serverless.plugins.module_utils.lab.wheel import (
    Wheel,
    download_wheel,
    extract_members,
    extract_tree,
)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory that is pip's only source, with the wheel of thing 1.0."""
    directory = tmp_path / "index"
    directory.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(directory))
    with zipfile.ZipFile(directory / "thing-1.0-py3-none-any.whl", "w") as archive:
        program = zipfile.ZipInfo("thing/bin/run")
        program.external_attr = 0o100755 << 16
        archive.writestr(program, "program")
        archive.writestr("thing/VERSION", "1.0")
        archive.writestr("thing/../../escaped", "no")
        archive.writestr("thing-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n")
        archive.writestr("thing-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("thing-1.0.dist-info/RECORD", "")
    return directory


def wheel_of(index: Path) -> Wheel:
    data = (index / "thing-1.0-py3-none-any.whl").read_bytes()
    return Wheel("thing", "1.0", {platform.machine(): hashlib.sha256(data).hexdigest()})


def test_a_wheel_is_fetched_once(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = wheel_of(index)
    path = download_wheel(wheel, tmp_path / "downloads")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nowhere"))
    assert download_wheel(wheel, tmp_path / "downloads") == path
    assert [one.name for one in (tmp_path / "downloads").iterdir()] == [path.name]


def test_a_wheel_with_another_hash_is_refused(index: Path, tmp_path: Path) -> None:
    wheel = Wheel("thing", "1.0", {platform.machine(): "0" * 64})
    with pytest.raises(LabBuildError, match="could not fetch thing==1.0"):
        download_wheel(wheel, tmp_path / "downloads")
    assert not list((tmp_path / "downloads").iterdir())


def test_a_machine_without_a_pinned_wheel_is_named(tmp_path: Path) -> None:
    with pytest.raises(LabBuildError, match=f"pinned for pdp11, but this machine is {platform.machine()}"):
        download_wheel(Wheel("thing", "1.0", {"pdp11": "0" * 64}), tmp_path)


def test_members_are_taken_out_under_their_new_names(index: Path, tmp_path: Path) -> None:
    extract_members(download_wheel(wheel_of(index), tmp_path / "downloads"), {"runner": "thing/bin/run"}, tmp_path)
    assert (tmp_path / "runner").read_text() == "program"
    assert (tmp_path / "runner").stat().st_mode & 0o777 == 0o755


def test_a_member_that_is_not_there_is_named(index: Path, tmp_path: Path) -> None:
    with pytest.raises(LabBuildError, match="has no thing/nope"):
        extract_members(download_wheel(wheel_of(index), tmp_path / "downloads"), {"x": "thing/nope"}, tmp_path)


def test_a_tree_stays_in_its_directory(index: Path, tmp_path: Path) -> None:
    target = tmp_path / "a" / "b"
    extract_tree(download_wheel(wheel_of(index), tmp_path / "downloads"), "thing/", target)
    assert sorted(str(path.relative_to(tmp_path / "a")) for path in (tmp_path / "a").rglob("*") if path.is_file()) == [
        "b/thing/VERSION",
        "b/thing/bin/run",
    ]
    assert (target / "thing" / "bin" / "run").stat().st_mode & 0o777 == 0o755
