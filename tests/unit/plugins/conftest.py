"""Fixtures for what talks to a cluster: a real API server, started once per session."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "support"))

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster  # noqa: E402
from api_server import ApiServer, running_api_server  # noqa: E402
from fault_proxy import FaultProxy, Upstream  # noqa: E402
from leftovers import Leftovers  # noqa: E402
from openshift_api import MICROSHIFT, OpenShiftApi, running_openshift  # noqa: E402

SHARED: list[Leftovers] = []


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """A running etcd, kube-apiserver and kube-controller-manager of this session's own."""
    with running_api_server(tmp_path_factory.mktemp("api-server")) as server, shared(server):
        yield server


@pytest.fixture
def cluster(api_server: ApiServer) -> Cluster:
    """A new client of the session's API server."""
    return Cluster.connect("test", str(api_server.kubeconfig))


@pytest.fixture(scope="session")
def openshift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenShiftApi]:
    """A control plane with OpenShift's CRDs, its OAuth server, and the front of both."""
    with running_openshift(tmp_path_factory.mktemp("openshift")) as server, shared(server):
        yield server


@pytest.fixture(scope="session")
def microshift(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenShiftApi]:
    """One with the kinds that MicroShift has, which has no ClusterVersion."""
    with running_openshift(tmp_path_factory.mktemp("microshift"), MICROSHIFT) as server, shared(server):
        yield server


@contextmanager
def shared(server: ApiServer) -> Iterator[None]:
    """Have every test file find the server as it is now."""
    leftovers = Leftovers(Cluster.connect("test", str(server.kubeconfig)))
    SHARED.append(leftovers)
    yield
    SHARED.remove(leftovers)


@pytest.fixture(scope="module", autouse=True)
def nothing_stays() -> Iterator[None]:
    """Take away what a test file has left on the servers that others use after it."""
    yield
    for leftovers in SHARED:
        leftovers.clear()


@pytest.fixture
def fault_proxy(api_server: ApiServer, tmp_path: Path) -> Iterator[FaultProxy]:
    """A proxy before the API server; its kubeconfig is tmp_path / 'proxied'."""
    pki = api_server.pki
    server, admin = (pki.server_certificate, pki.server_key), (pki.admin_certificate, pki.admin_key)
    proxy = FaultProxy(Upstream("127.0.0.1", api_server.port, pki.ca_certificate, server, admin))
    api_server.write_kubeconfig(tmp_path / "proxied", proxy.url)
    yield proxy
    proxy.stop()


@pytest.fixture
def proxied(fault_proxy: FaultProxy, tmp_path: Path) -> Cluster:
    """A client that goes through the fault proxy."""
    return Cluster.connect("test", str(tmp_path / "proxied"))


@pytest.fixture
def name() -> str:
    """A name that no other test uses, for releases and namespaces."""
    return f"t-{uuid.uuid4().hex[:8]}"
