"""Rendering to one file, and keeping it while nothing has changed."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.checksum import sha256_of
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.errors import ContentError
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.loading import load_documents
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.render import Rendering, render

MANIFEST = """
apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {x: "1"}}
  - {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}
---
apiVersion: batch/v1
kind: Job
metadata: {generateName: migrate-}
---
"""


@pytest.fixture
def content(tmp_path: Path) -> list[dict]:
    file = tmp_path / "release.yaml"
    file.write_text(MANIFEST)
    return [{"path": str(file), "sha256": sha256_of(file)}]


def names(path: Path) -> list[str]:
    return [document["metadata"].get("name", "?") for document in load_documents(path)]


def test_select_exclude_definitions_and_overlays(tmp_path: Path, content: list[dict]) -> None:
    own = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "own"}}
    rendering = Rendering(
        content,
        definitions=[own],
        select=[{"kind": "ConfigMap"}],
        exclude=[{"name": "b*"}, {"kind": "Secret"}],
        overlays=[{"match": {"kind": "ConfigMap"}, "patch": {"data": {"y": "2"}}}],
    )
    rendered = render(rendering, tmp_path / "work" / "out.yaml")
    assert names(rendered.path) == ["a", "own"]
    assert load_documents(rendered.path)[0]["data"] == {"x": "1", "y": "2"}
    assert stat.S_IMODE(rendered.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(rendered.path.parent.stat().st_mode) == 0o700


def test_it_is_kept_while_nothing_changes(tmp_path: Path, content: list[dict]) -> None:
    dest = tmp_path / "out.yaml"
    first = render(Rendering(content), dest)
    written = dest.stat().st_mtime_ns
    again = render(Rendering(content), dest)
    assert (first.from_cache, again.from_cache) == (False, True)
    assert dest.stat().st_mtime_ns == written and again.documents == first.documents
    assert not render(Rendering(content, exclude=[{"kind": "Job"}]), dest).from_cache
    assert names(dest) == ["a", "b"]


def test_a_file_that_somebody_edited_is_rendered_again(tmp_path: Path, content: list[dict]) -> None:
    dest = tmp_path / "out.yaml"
    render(Rendering(content), dest)
    dest.write_text(dest.read_text().replace("name: a", "name: evil"))
    assert not render(Rendering(content), dest).from_cache
    assert "evil" not in dest.read_text()


def test_what_selects_nothing_is_an_error(tmp_path: Path, content: list[dict]) -> None:
    with pytest.raises(ContentError, match="of select matches no document"):
        render(Rendering(content, select=[{"kind": "Servce"}]), tmp_path / "out.yaml")
    assert not (tmp_path / "out.yaml").exists()


def test_content_without_documents_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("---\n")
    item = {"path": str(tmp_path / "empty.yaml"), "sha256": sha256_of(tmp_path / "empty.yaml")}
    with pytest.raises(ContentError, match="gives no document"):
        render(Rendering([item]), tmp_path / "out.yaml")


def test_what_is_no_object_is_named(tmp_path: Path) -> None:
    (tmp_path / "odd.yaml").write_text("kind: ConfigMap\n---\njust text\n")
    item = {"path": str(tmp_path / "odd.yaml"), "sha256": sha256_of(tmp_path / "odd.yaml")}
    with pytest.raises(ContentError, match=r"document 1 of .*odd.yaml is no Kubernetes object"):
        render(Rendering([item]), tmp_path / "out.yaml")
