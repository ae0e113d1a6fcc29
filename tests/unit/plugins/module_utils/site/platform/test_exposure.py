"""The ladder of ways to the gateway."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.platform.exposure import (
    Around,
    Asking,
    Exposure,
    Rung,
    expose,
)

PORT = 30080


def node(name: str = "n", provider: str = "", address: str = "10.0.0.4", **info: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"providerID": provider},
        "status": {
            "nodeInfo": info,
            "conditions": [{"type": "Ready", "status": "True"}],
            "addresses": [{"type": "InternalIP", "address": address}] if address else [],
        },
    }


PLAIN = [node(kubeletVersion="v1.36.3")]
K3S = [node("a", "k3s://a", kubeletVersion="v1.36.3+k3s1")]
KIND = [node("kind-worker", "kind://docker/kind/kind-worker")]
K3D = [node("k3d-dev-server-0", "k3s://k3d-dev-server-0", osImage="K3s v1.36.1+k3s1")]
DESKTOP = [node("docker-desktop", osImage="Docker Desktop", address="192.168.65.3")]


def service(kind: str = "LoadBalancer", *ingress: dict[str, str], port: int | None = PORT) -> dict[str, Any]:
    entry = {"port": 80} | ({"nodePort": port} if port else {})
    return {
        "spec": {"type": kind, "ports": [{"port": 15021, "nodePort": 31000}, entry]},
        "status": {"loadBalancer": {"ingress": list(ingress)} if ingress else {}},
    }


class Network:
    """Answers at some addresses; remembers what was asked."""

    def __init__(self, *answering: str, mapped: Sequence[str] | str = ()) -> None:
        self.answering, self.mapped = answering, mapped
        self.asked: list[tuple[str, bool]] = []
        self.wanted: list[int] = []

    def answers(self, address: str, strict: bool) -> str:
        self.asked.append((address, strict))
        return "" if address in self.answering else "connection refused"

    def mappings(self, _nodes: object, ports: Sequence[int]) -> list[str]:
        self.wanted = list(ports)
        if isinstance(self.mapped, str):
            raise OSError(self.mapped)
        return list(self.mapped)

    def climb(self, *args: Any, **told: str) -> Exposure:
        return expose(Around(*args, **told), Asking(self.answers, self.mappings))


IP, NAME = {"ip": "203.0.113.7"}, {"hostname": "lb.example"}


@pytest.mark.parametrize(
    ("made", "nodes", "answering", "rung", "address"),
    [
        (service("LoadBalancer", IP), PLAIN, "203.0.113.7:80", Rung.LOAD_BALANCER, "203.0.113.7:80"),
        (service("LoadBalancer", NAME), PLAIN, "lb.example:80", Rung.LOAD_BALANCER, "lb.example:80"),
        (service("LoadBalancer", {"ip": "fd00::7"}), PLAIN, "[fd00::7]:80", Rung.LOAD_BALANCER, "[fd00::7]:80"),
        # One of two addresses of k3s' nodes
        (service("LoadBalancer", {"ip": "10.0.0.9"}, IP), K3S, "203.0.113.7:80", Rung.LOAD_BALANCER, "203.0.113.7:80"),
        (
            service("LoadBalancer", {"hostname": "localhost"}),
            DESKTOP,
            "localhost:80",
            Rung.LOAD_BALANCER,
            "localhost:80",
        ),
        (service("LoadBalancer", {"ip": "172.18.0.5"}), DESKTOP, "localhost:80", Rung.LOCALHOST, "localhost:80"),
        (service("NodePort"), DESKTOP, "localhost:30080", Rung.LOCALHOST, "localhost:30080"),
        (service("LoadBalancer"), PLAIN, "10.0.0.4:30080", Rung.NODE_PORT, "10.0.0.4:30080"),
        (service("LoadBalancer", IP), PLAIN, "10.0.0.4:30080", Rung.NODE_PORT, "10.0.0.4:30080"),
        (service("NodePort"), PLAIN, "10.0.0.4:30080", Rung.NODE_PORT, "10.0.0.4:30080"),
        (service("LoadBalancer", IP), PLAIN, "nowhere", Rung.PORT_FORWARD, ""),
        (service("ClusterIP", port=None), PLAIN, "nowhere", Rung.PORT_FORWARD, ""),
        (None, PLAIN, "10.0.0.4:30080", Rung.PORT_FORWARD, ""),
        (service(), [], "nowhere", Rung.PORT_FORWARD, ""),
    ],
)
def test_the_first_rung_that_answers_is_taken(
    made: dict[str, Any] | None, nodes: list[dict[str, Any]], answering: str, rung: Rung, address: str
) -> None:
    found = Network(answering).climb(made, nodes)
    assert (found.rung, found.address) == (rung, address)


def test_what_the_inventory_tells_is_not_asked() -> None:
    network = Network()
    assert network.climb(service("LoadBalancer", IP), PLAIN, told="a.example:8080") == Exposure(
        Rung.TOLD, "a.example:8080"
    )
    assert network.asked == []


def test_a_route_comes_before_the_load_balancer() -> None:
    found = Network("router.example:80", "203.0.113.7:80").climb(
        service("LoadBalancer", IP), PLAIN, route="router.example:80"
    )
    assert (found.rung, found.address) == (Rung.ROUTE, "router.example:80")


def test_each_rung_that_was_passed_says_why() -> None:
    found = Network().climb(service("LoadBalancer", IP), PLAIN)
    assert list(map(str, found.passed)) == [
        "load balancer: 203.0.113.7:80: connection refused",
        "node port: 10.0.0.4:30080: connection refused",
    ]
    inside = Network().climb(service("ClusterIP", port=None), PLAIN)
    assert list(map(str, inside.passed)) == [
        "load balancer: the Service is of type ClusterIP",
        "node port: the Service has none",
    ]
    assert list(map(str, Network().climb(None, PLAIN).passed)) == ["load balancer: the gateway has no Service yet"]


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        (PLAIN, "pending: the cluster has given it no address"),
        (K3S, "k3s' Traefik takes the first two"),
        (
            [{**node("minikube"), "metadata": {"name": "minikube", "labels": {"minikube.k8s.io/name": "minikube"}}}],
            "minikube tunnel",
        ),
    ],
)
def test_a_pending_load_balancer_falls_through_and_is_said(nodes: list[dict[str, Any]], said: str) -> None:
    found = Network("10.0.0.4:30080").climb(service(), nodes)
    assert found.rung is Rung.NODE_PORT
    assert said in found.passed[0].why and found.passed[0].rung is Rung.LOAD_BALANCER


def test_only_a_proxy_of_istio_counts_on_this_machine() -> None:
    network = Network("127.0.0.1:8080", mapped=["127.0.0.1:8080"])
    assert network.climb(service(), KIND).rung is Rung.MAPPED_PORT
    assert network.asked == [("127.0.0.1:8080", True)]
    network = Network()
    network.climb(service("LoadBalancer", {"ip": "172.18.0.5"}), DESKTOP)
    assert [strict for address, strict in network.asked if address.startswith("localhost")] == [True, True]
    assert ("172.18.0.5:80", False) in network.asked
    network.asked.clear()
    network.climb(service("LoadBalancer", {"hostname": "localhost"}), DESKTOP)
    assert network.asked[0] == ("localhost:80", True), "by whatever rung"


def test_on_k3d_port_80_is_the_gateways_when_it_has_the_load_balancer() -> None:
    """Traefik has it while the gateway's is pending."""
    network = Network()
    network.climb(service(), K3D)
    assert network.wanted == [PORT]
    network.climb(service("LoadBalancer", {"ip": "172.18.0.5"}), K3D)
    assert network.wanted == [PORT, 80]


def test_what_is_not_known_of_mapped_ports_is_said() -> None:
    found = Network("10.0.0.4:30080", mapped="there is no command docker here").climb(service("NodePort"), KIND)
    assert found.rung is Rung.NODE_PORT
    assert "mapped port: there is no command docker here" in map(str, found.passed)
    found = Network().climb(service("NodePort"), KIND)
    assert "mapped port: no node has its port 30080 mapped to this machine" in map(str, found.passed)


def test_the_inventory_may_tell_where_nodes_are_reached() -> None:
    found = Network("nodes.example:30080").climb(service(), PLAIN, node="nodes.example")
    assert (found.rung, found.address) == (Rung.NODE_PORT, "nodes.example:30080")
