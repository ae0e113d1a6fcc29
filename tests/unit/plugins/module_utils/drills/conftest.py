"""Fixtures of the drills' tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))

from page_server import PageServer  # noqa: E402


@pytest.fixture
def page() -> Iterator[PageServer]:
    """A page server of this test's own."""
    server = PageServer()
    yield server
    server.stop()
