"""Fixtures for the image library: real registries, and one that misbehaves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))
sys.path.insert(0, str(Path(__file__).parents[2] / "support"))

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.settings import (  # noqa: E402
    RegistrySettings,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.registry.backoff import Backoff  # noqa: E402
from faulty_registry import FaultyRegistry  # noqa: E402
from registry_process import PASSWORD, USERNAME, RegistryProcess  # noqa: E402
from throwaway_pki import Pki  # noqa: E402


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """A certificate authority and a server's certificate for loopback."""
    return Pki(tmp_path_factory.mktemp("images") / "pki")


@pytest.fixture(scope="session")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryProcess]:
    """A real registry without TLS and login."""
    process = RegistryProcess(tmp_path_factory.mktemp("mirror") / "registry")
    yield process
    process.stop()


@pytest.fixture(scope="session")
def private(tmp_path_factory: pytest.TempPathFactory, pki: Pki) -> Iterator[RegistryProcess]:
    """A real registry with TLS and a password."""
    directory = tmp_path_factory.mktemp("private") / "registry"
    process = RegistryProcess(directory, pki.server_certificate, pki.server_key)
    yield process
    process.stop()


@pytest.fixture
def private_settings(private: RegistryProcess, pki: Pki) -> RegistrySettings:
    """What the private registry wants."""
    return RegistrySettings(private.host, str(pki.ca_certificate), USERNAME, {"value": PASSWORD})


@pytest.fixture
def faulty() -> Iterator[FaultyRegistry]:
    """A registry that does what the test says."""
    registry = FaultyRegistry()
    yield registry
    registry.stop()


@pytest.fixture
def quick() -> Backoff:
    """Short pauses and limits."""
    return Backoff(attempts=3, first_pause=0.01, longest_pause=2.0, connect_timeout=2.0, read_timeout=2.0, patience=0.0)
