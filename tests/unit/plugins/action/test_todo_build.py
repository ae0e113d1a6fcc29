"""todo_build with a real buildah and registry: two runs at the same time build an image once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "module_utils" / "images" / "support"))

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.copy.copy import push_layout
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.client import Registry
from plays import play
from registry_process import RegistryProcess
from sample_images import SampleImage, layer_of


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
        "image": f"{registry.host}/todo/app:0123456789abcdef",
        "sources": str(tmp_path / "app"),
        "dockerfile": str(tmp_path / "Dockerfile"),
        "base": base,
        "base_plain_http": True,
    }
    registry.stop()


def test_two_runs_at_once_build_it_once(
    arguments: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tasks = [{"selfhosted.serverless.todo_build": arguments}]

    def run(name: str, *options: str) -> dict[str, Any]:
        (tmp_path / name).mkdir()
        return play(tmp_path / name, tasks, "-v", *options)[0]

    assert run("check", "--check")["digest"] == ""
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(run, ("one", "two")))
    assert sorted(result["changed"] for result in results) == [False, True]
    assert results[0]["digest"] == results[1]["digest"] and results[0]["digest"].startswith("sha256:")
