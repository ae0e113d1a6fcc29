"""The JSON beside a rendered file: read in its place, and never for another one."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.loading import dump_documents
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.rendered import (
    PARSED,
    read_rendered,
    write_rendered,
)

DOCUMENTS = [{"kind": "ConfigMap", "data": {"a": "12:30", "b": "1e3", "date": "2026-01-01"}, "n": 7, "f": 1.5}, None]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "work" / "out.yaml"
    write_rendered(path, dump_documents(DOCUMENTS), DOCUMENTS)
    return path


def parsed_of(path: Path) -> Path:
    return Path(f"{path}{PARSED}")


def test_both_files_say_the_same_and_are_the_owners(written: Path) -> None:
    fast = read_rendered(written)
    parsed_of(written).unlink()
    assert fast == read_rendered(written) == DOCUMENTS
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_the_json_is_what_is_read(written: Path) -> None:
    parsed = json.loads(parsed_of(written).read_text())
    parsed_of(written).write_text(json.dumps({**parsed, "documents": ["from the JSON"]}))
    assert read_rendered(written) == ["from the JSON"]


def test_whoever_edits_the_yaml_has_what_he_wrote(written: Path) -> None:
    written.write_text("kind: Edited\n")
    assert read_rendered(written) == [{"kind": "Edited"}]


@pytest.mark.parametrize("damage", ["", "[]", '{"of": 1}', "null", '{"documents": []}', "\x00"])
def test_damaged_json_is_passed_over(written: Path, damage: str) -> None:
    parsed_of(written).write_text(damage)
    assert read_rendered(written) == DOCUMENTS


def test_json_that_is_missing_is_made_where_that_is_asked_for(written: Path) -> None:
    parsed_of(written).unlink()
    read_rendered(written)
    assert not parsed_of(written).exists()
    read_rendered(written, keep=True)
    assert json.loads(parsed_of(written).read_text())["documents"] == DOCUMENTS


def test_a_file_that_is_not_there_or_no_yaml_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="cannot be read: No such file"):
        read_rendered(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("a: [")
    with pytest.raises(ValueError, match="is no valid YAML"):
        read_rendered(tmp_path / "bad.yaml")


def test_without_room_for_the_json_the_yaml_is_written_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "out.yaml"
    parsed_of(path).mkdir()
    write_rendered(path, dump_documents(DOCUMENTS), DOCUMENTS)
    assert read_rendered(path) == DOCUMENTS
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out.yaml", f"out.yaml{PARSED}"], "nothing stays behind"
