"""YAML by libyaml is that of PyYAML alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.plain_yaml import load_all_plain, load_plain

ROOT = Path(__file__).resolve().parents[4]


@pytest.mark.parametrize("path", sorted(ROOT.glob("roles/*/meta/argument_specs.yml")), ids=lambda path: path.parts[-3])
def test_the_collections_own_files_are_read_alike(path: Path) -> None:
    text = path.read_text()
    assert load_plain(text) == yaml.safe_load(text)


def test_without_libyaml_the_slow_loader_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    assert load_plain(b"a: [1, 2026-01-01]") == yaml.safe_load("a: [1, 2026-01-01]")


def test_what_is_no_yaml_is_an_error() -> None:
    with pytest.raises(yaml.YAMLError):
        load_plain("a: [")


def test_documents_without_the_empty_ones() -> None:
    assert load_all_plain("---\na: 1\n---\n---\n- b\n---\n{}\n") == [{"a": 1}, ["b"]]
