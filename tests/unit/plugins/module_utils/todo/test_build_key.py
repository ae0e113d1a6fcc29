"""The key of an image build."""

from __future__ import annotations

import os

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.build_key import build_key, source_files


@pytest.fixture
def sources(tmp_path):
    """A folder with sources, and a Dockerfile beside it."""
    folder = tmp_path / "app"
    (folder / "todo" / "__pycache__").mkdir(parents=True)
    (folder / "todo" / "__init__.py").write_text("a = 1\n")
    (folder / "requirements.txt").write_text("x==1\n")
    (folder / "todo" / "__pycache__" / "x.cpython-311.pyc").write_text("noise")
    (folder / "todo.sqlite3").write_text("noise")
    (tmp_path / "Dockerfile").write_text("FROM x\n")
    return folder


def key(folder, *inputs):
    return build_key(folder, folder.parent / "Dockerfile", inputs)


def test_only_sources_are_listed(sources):
    assert [path.name for path in source_files(sources)] == ["requirements.txt", "__init__.py"]


def test_the_key_stays_for_what_does_not_matter(sources, tmp_path):
    before = key(sources, "base")
    os.utime(sources / "requirements.txt", (0, 0))
    (sources / "todo" / "__pycache__" / "x.cpython-311.pyc").write_text("other noise")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    sources.rename(elsewhere / "app")
    (tmp_path / "Dockerfile").rename(elsewhere / "Dockerfile")
    assert key(elsewhere / "app", "base") == before
    assert len(before) == 16


@pytest.mark.parametrize("change", ["content", "name", "new file", "Dockerfile", "input"])
def test_the_key_changes_with_each_part(sources, change):
    before = key(sources, "base")
    if change == "content":
        (sources / "requirements.txt").write_text("x==2\n")
    elif change == "name":
        (sources / "requirements.txt").rename(sources / "requirements.in")
    elif change == "new file":
        (sources / "new").write_text("")
    elif change == "Dockerfile":
        (sources.parent / "Dockerfile").write_text("FROM y\n")
    assert key(sources, "other base" if change == "input" else "base") != before
