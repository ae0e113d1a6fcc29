"""YAML is read and written as Kubernetes tools do."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.loading import (
    dump_documents,
    load_documents,
    parse_documents,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12:30", "12:30"),
        ("2020-01-01", "2020-01-01"),
        ("1e3", 1000.0),
        ("0644", 420),
        ("0o644", 420),
        ("0x1f", 31),
        ("-5", -5),
        ("=", "="),
        ("yes", True),
        ("'1e3'", "1e3"),
        ("1.2.3", "1.2.3"),
        ("~", None),
    ],
)
def test_plain_values(text: str, value: object) -> None:
    assert parse_documents(f"a: {text}", "text") == [{"a": value}]


@pytest.mark.parametrize(
    "value", ["1e3", "0o17", "12:30", "2020-01-01", "yes", "null", "", "=", "08", "a\nb\n", "é", 1.0]
)
def test_what_is_written_is_read_back_by_any_reader(value: object) -> None:
    text = dump_documents([{"a": value}])
    assert parse_documents(text, "text") == [{"a": value}]
    assert list(yaml.safe_load_all(text)) == [{"a": value}]


def test_broken_yaml_names_file_and_line(tmp_path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text("a: 1\nb: [\n")
    with pytest.raises(ValueError, match=r"broken.yaml is no valid YAML(.|\n)*line 3"):
        load_documents(file)


def test_a_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(ValueError, match=r"nowhere.yaml cannot be read"):
        load_documents(tmp_path / "nowhere.yaml")
