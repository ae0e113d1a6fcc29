"""The collection's archive, and a plain user who has installed it; each made once."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "plugins" / "support"))

from api_server import ApiServer, running_api_server  # noqa: E402
from plain_user import PlainUser, build_archive  # noqa: E402


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_archive(tmp_path_factory.mktemp("archive"))


@pytest.fixture(scope="session")
def plain_user(archive: Path) -> Iterator[PlainUser]:
    """pytest's own folders are closed to other users."""
    folder = Path(tempfile.mkdtemp(prefix="serverless-plain-user-"))
    try:
        user = PlainUser.at(folder)
        user.install(archive)
        yield user
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A running API server without anything on it."""
    with running_api_server(tmp_path_factory.mktemp("api-server")) as server:
        yield server
