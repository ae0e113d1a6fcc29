"""Fixtures for content: module proxies and image registries, real ones."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))
sys.path.insert(0, str(Path(__file__).parents[1] / "images" / "support"))
sys.path.insert(0, str(Path(__file__).parents[3] / "support"))

from module_proxy import ModuleProxy  # noqa: E402
from registry_process import RegistryProcess  # noqa: E402
from release_site import Site  # noqa: E402


@pytest.fixture
def proxy() -> Iterator[ModuleProxy]:
    """A module proxy."""
    server = ModuleProxy()
    yield server
    server.stop()


@pytest.fixture
def second_proxy() -> Iterator[ModuleProxy]:
    """Another one."""
    server = ModuleProxy()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryProcess]:
    """A real registry without TLS and login."""
    process = RegistryProcess(tmp_path_factory.mktemp("mirror") / "registry")
    yield process
    process.stop()


@pytest.fixture
def no_module_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user has no modules of their own."""
    monkeypatch.setenv("GOMODCACHE", str(tmp_path / "no-modules"))


@pytest.fixture
def site() -> Iterator[Site]:
    """A release site."""
    server = Site()
    yield server
    server.stop()
