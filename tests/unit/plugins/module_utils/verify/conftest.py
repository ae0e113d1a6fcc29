"""Fixtures of verification's tests: an API server of each file's own, for the facts are about whole clusters."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))
sys.path.insert(0, str(Path(__file__).parents[1] / "drills" / "support"))

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster  # noqa: E402
from api_server import ApiServer, running_api_server  # noqa: E402


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A control plane without anything on it."""
    with running_api_server(tmp_path_factory.mktemp("verify")) as running:
        yield running


@pytest.fixture
def site(server: ApiServer) -> Cluster:
    """A new client of it."""
    return Cluster.connect("test", str(server.kubeconfig))
