"""Certificates of kubelets: TLS servers on loopback, a real API server, and the way through it to a pod's port."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.platform import kubelet_tls
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.platform.kubelet_tls import (
    Kubelet,
    KubeletTls,
    Trust,
    ask_kubelets,
)
from api_server import ApiServer
from kubelet_ports import KubeletPorts
from throwaway_pki import Pki
from tls_servers import TlsServer

MERGE = "application/merge-patch+json"


@pytest.fixture(autouse=True)
def _authority(cluster: Cluster) -> None:
    """The controller publishes it some moments after the start."""
    limit = time.monotonic() + 30
    while cluster.get("v1", "ConfigMap", "kube-root-ca.crt", "kube-system") is None and time.monotonic() < limit:
        time.sleep(0.1)


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """An authority that no cluster knows, as each kubelet has one where none signs its certificate."""
    return Pki(tmp_path_factory.mktemp("stranger") / "pki")


@pytest.fixture
def signed(api_server: ApiServer) -> Iterator[TlsServer]:
    """A kubelet whose certificate the cluster's CA has signed, for 127.0.0.1."""
    with TlsServer(api_server.pki.server_certificate, api_server.pki.server_key) as port:
        yield port


@pytest.fixture
def self_signed(stranger: Pki) -> Iterator[TlsServer]:
    """A kubelet with a certificate of its own."""
    with TlsServer(stranger.server_certificate, stranger.server_key) as port:
        yield port


def node(port: int, name: str = "one", address: str = "127.0.0.1", **labels: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": labels},
        "status": {
            "addresses": [{"type": "Hostname", "address": name}, {"type": "InternalIP", "address": address}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }


def asked(cluster: Cluster, *nodes: dict[str, Any]) -> KubeletTls:
    return ask_kubelets(cluster, nodes, Deadline(20))


def test_one_that_the_clusters_authority_signed(cluster: Cluster, signed: TlsServer) -> None:
    found = asked(cluster, node(signed.port))
    assert not found.is_refused and found.kubelets == (Kubelet("one", Trust.VERIFIED),)
    assert str(found) == "the kubelets of 1 of 1 nodes were asked; the cluster's CA signed them"


def test_one_that_signed_its_own(cluster: Cluster, signed: TlsServer, self_signed: TlsServer) -> None:
    found = asked(cluster, node(signed.port), node(self_signed.port, "localhost"))
    assert found.is_refused
    assert str(found).startswith(f"the kubelet of localhost was asked: 127.0.0.1:{self_signed.port}: ")
    assert "certificate" in str(found)


def test_who_answers_in_a_nodes_place_is_not_that_kubelet(cluster: Cluster, self_signed: TlsServer) -> None:
    """Such as a proxy that all connections go through: its certificate says nothing of the node's."""
    found = asked(cluster, node(self_signed.port, "two"))
    assert not found.is_refused and "who answers from here is not two" in str(found)


def test_one_whose_certificate_is_not_for_its_address(cluster: Cluster, api_server: ApiServer) -> None:
    """Signed, but for another name: metrics-server asks for the address."""
    pki = api_server.pki
    with TlsServer(pki.server_certificate, pki.server_key, "127.0.0.2") as elsewhere:
        found = asked(cluster, node(elsewhere.port, "localhost", address="127.0.0.2"))
    assert found.is_refused and "127.0.0.2" in str(found)


def test_one_that_cannot_be_reached_is_no_reason_to_trust_it(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubelet_tls, "_PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    found = asked(cluster, node(port))
    assert not found.is_refused
    assert str(found) == f"no kubelet could be asked: 127.0.0.1:{port}: Connection refused"


def test_nodes_without_a_kubelet_of_their_own_are_not_asked(cluster: Cluster, self_signed: TlsServer) -> None:
    found = asked(cluster, node(self_signed.port, type="kwok"))
    assert found == KubeletTls() and str(found) == "no node to ask"


def test_no_authority_to_hold_them_against(proxied: Cluster, fault_proxy: Any, self_signed: TlsServer) -> None:
    fault_proxy.stop()
    found = ask_kubelets(proxied, [node(self_signed.port)], Deadline(1))
    assert not found.is_refused and "the cluster's CA cannot be read" in str(found)


@pytest.fixture
def tunnel(cluster: Cluster, api_server: ApiServer, name: str) -> Iterator[tuple[KubeletPorts, str]]:
    """The way through the API server to a pod of a node's network, and the name of the node."""
    pki = api_server.pki
    with KubeletPorts(pki.server_certificate, pki.server_key) as ports:
        made, status = ports.node(name)
        cluster.apply(made, manager="someone")
        path = cluster.resource("v1", "Node").path(None, name)
        cluster.transport.call("PATCH", f"{path}/status", body=status, content_type=MERGE)
        container = {"name": "proxy", "image": "proxy:1"}
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"kube-proxy-{uuid.uuid4().hex[:5]}", "namespace": "kube-system"},
            "spec": {
                "nodeName": name,
                "hostNetwork": True,
                "containers": [container],
                "automountServiceAccountToken": False,
            },
        }
        if cluster.get("v1", "ServiceAccount", "default", "kube-system") is None:
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
            account["metadata"]["namespace"] = "kube-system"
            cluster.apply(account, manager="someone")
        cluster.apply(pod, manager="someone")
        path = cluster.resource("v1", "Pod").path("kube-system", pod["metadata"]["name"])
        running = {"status": {"phase": "Running"}}
        cluster.transport.call("PATCH", f"{path}/status", body=running, content_type=MERGE)
        yield ports, name
        cluster.delete("v1", "Pod", pod["metadata"]["name"], "kube-system", grace_seconds=0)
        cluster.delete("v1", "Node", name)


def test_the_way_through_the_api_server_has_the_last_word(
    cluster: Cluster, tunnel: tuple[KubeletPorts, str], signed: TlsServer, self_signed: TlsServer
) -> None:
    """What answers from here at the node's address may be another machine."""
    ports, name = tunnel
    given = node(self_signed.port, name)
    ports.ports[self_signed.port] = signed.port
    found = asked(cluster, given)
    assert not found.is_refused and found.kubelets == (Kubelet(name, Trust.VERIFIED),)
    assert "/portForward/kube-system/kube-proxy-" in ports.asked[-1]
    ports.ports[self_signed.port] = self_signed.port
    assert asked(cluster, given).is_refused


def test_one_that_is_not_reached_from_here_is_asked_through_the_api_server(
    cluster: Cluster, tunnel: tuple[KubeletPorts, str], self_signed: TlsServer
) -> None:
    ports, name = tunnel
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    ports.ports[port] = self_signed.port
    found = asked(cluster, node(port, name))
    assert found.is_refused and str(found).startswith(f"the kubelet of {name} was asked: ")


def test_where_that_way_leads_nowhere_nobody_was_asked(
    cluster: Cluster, tunnel: tuple[KubeletPorts, str], self_signed: TlsServer
) -> None:
    ports, name = tunnel
    with socket.create_server(("127.0.0.1", 0)) as held:
        ports.ports[self_signed.port] = held.getsockname()[1]
    assert not asked(cluster, node(self_signed.port, name)).is_refused
