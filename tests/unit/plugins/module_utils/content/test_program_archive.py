"""Programs out of release archives."""

from __future__ import annotations

import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.errors import ContentError
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.program_archive import program_of


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A program that says hello; as a release archive would, without permissions of its own."""
    file = tmp_path / "istioctl"
    file.write_text("#!/bin/sh\necho hello\n")
    return file


def test_the_program_of_an_archive_runs(tmp_path: Path, program: Path) -> None:
    archive = tmp_path / "archive"
    with tarfile.open(archive, "w:gz") as opened:
        opened.add(program, "bin/istioctl")
    found = program_of(archive, "istioctl", tmp_path / "kept" / "istioctl")
    assert subprocess.run([found], capture_output=True, text=True, check=True).stdout == "hello\n"
    assert program_of(archive, "istioctl", tmp_path / "kept" / "istioctl") == found
    assert sorted(os.listdir(tmp_path)) == ["archive", "istioctl", "kept"]


def test_a_file_that_is_no_archive_is_the_program(tmp_path: Path, program: Path) -> None:
    found = program_of(program, "istioctl", tmp_path / "kept")
    assert subprocess.run([found], capture_output=True, text=True, check=True).stdout == "hello\n"


def test_an_archive_without_it_is_refused_and_leaves_nothing(tmp_path: Path, program: Path) -> None:
    archive = tmp_path / "archive"
    with tarfile.open(archive, "w:gz") as opened:
        opened.add(program, "bin/kubectl")
    with pytest.raises(ContentError, match="holds no file istioctl"):
        program_of(archive, "istioctl", tmp_path / "kept" / "istioctl")
    assert os.listdir(tmp_path / "kept") == []
