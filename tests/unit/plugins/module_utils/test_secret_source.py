"""Where secrets come from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.secret_source import SecretSourceError, resolve


def test_each_kind(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TEST_SECRET", "from env ")
    (tmp_path / "secret").write_text("from file \n")
    assert resolve({"env": "TEST_SECRET"}) == "from env "
    assert resolve({"file": str(tmp_path / "secret")}) == "from file "
    assert resolve({"value": "given"}) == "given"


def test_line_breaks_at_the_end_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_SECRET", "from env \n")
    assert resolve({"env": "TEST_SECRET"}) == "from env "
    assert resolve({"value": "a block of YAML\r\n"}) == "a block of YAML"
    assert resolve({"value": "several\nlines\n"}) == "several\nlines\n"
    monkeypatch.setenv("TEST_SECRET", "\n")
    with pytest.raises(SecretSourceError, match="not set or empty"):
        resolve({"env": "TEST_SECRET"})


def test_bytes_that_are_no_text_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_SECRET", "canary\udce9")
    with pytest.raises(SecretSourceError, match="TEST_SECRET is no UTF-8 text$"):
        resolve({"env": "TEST_SECRET"})


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({}, "exactly one"),
        ({"env": "A", "file": "B"}, "exactly one"),
        ({"password": "canary-51c0"}, "exactly one"),
        ("canary-51c0", "exactly one"),
        ({"env": "NOT_SET_AT_ALL"}, "NOT_SET_AT_ALL is not set"),
        ({"file": "/does/not/exist"}, "cannot be read"),
        ({"file": "/dev/null"}, "is empty"),
        ({"value": ""}, "is empty"),
        ({"value": "\n"}, "is empty"),
    ],
)
def test_a_source_that_gives_nothing(source: Any, said: str) -> None:
    with pytest.raises(SecretSourceError, match=said) as caught:
        resolve(source)
    assert "canary" not in str(caught.value)
