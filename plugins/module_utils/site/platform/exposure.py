# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the ingress gateway is reached from the controller: a ladder of ways, of which the first that answers is taken.

Who says where the gateway is (serverless_gateway_address) is believed; every other address is asked by a real request
before it is told to anybody. The last way, a port-forward through the API server, needs no address: it is there
wherever kubectl works. Sources: the Service API (status.loadBalancer, nodePort), Docker Desktop and Rancher Desktop
(Services of type LoadBalancer and node ports are published on localhost), kind (extraPortMappings), k3d (ports of
k3d-NAME-serverlb), k3s pkg/cloudprovider/servicelb.go (a load balancer is a DaemonSet with host ports).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ..cluster_kind import K3S_KINDS, kind_of
from ..gateway import HTTP_PORT, http_node_port, node_hosts

# They publish on localhost what their nodes offer
_ON_LOCALHOST = ("docker-desktop", "rancher-desktop")
_LOOPBACK = ("localhost:", "127.", "[::1]:")
# Their nodes are containers, of which single ports can be mapped to the machine that they run on
MAPPED_KINDS = ("kind", "k3d", "minikube")
MOST_ADDRESSES = 2  # of one load balancer; k3s tells one for each node


class Rung(StrEnum):
    """A way to the gateway; the values are words for people, and the order is the ladder's."""

    TOLD = "serverless_gateway_address"
    ROUTE = "OpenShift route"
    LOAD_BALANCER = "load balancer"
    LOCALHOST = "localhost"
    MAPPED_PORT = "mapped port"
    NODE_PORT = "node port"
    PORT_FORWARD = "port-forward"


@dataclass(frozen=True)
class PassedOver:
    """A rung that was not taken, and why."""

    rung: Rung
    why: str

    def __str__(self) -> str:
        return f"{self.rung}: {self.why}"


@dataclass(frozen=True)
class Exposure:
    """The rung that was taken, its address as host:port ('' for a port-forward), and the rungs above that were not."""

    rung: Rung
    address: str = ""
    passed: tuple[PassedOver, ...] = ()


@dataclass(frozen=True)
class Around:
    """What the ladder is judged by.

    `service` is the gateway's v1 Service, None where there is none; `nodes` are v1 Nodes. `told` is host:port as the
    inventory has it, `node` the host at which it says that nodes are reached, `route` host:port of a router that leads
    to the gateway; each may be ''.
    """

    service: dict[str, Any] | None
    nodes: Sequence[dict[str, Any]]
    told: str = ""
    node: str = ""
    route: str = ""


@dataclass(frozen=True)
class Asking:
    """How addresses are asked.

    `answers` takes host:port and whether the gateway must be known by its answer, and returns why it is not reached
    there, '' if it is. `mapped` takes the Nodes and ports inside of them, and returns host:port of each mapping to one
    of these ports, or raises OSError with what cannot be asked.
    """

    answers: Callable[[str, bool], str]
    mapped: Callable[[Sequence[dict[str, Any]], Sequence[int]], list[str]]


@dataclass(frozen=True)
class _Step:
    """A rung with the addresses to ask there, or why it has none. Strict: others may answer at such an address."""

    rung: Rung
    addresses: tuple[str, ...] = ()
    why: str = ""
    strict: bool = False


def expose(around: Around, asking: Asking) -> Exposure:
    """Return the first way by which the gateway is reached; nothing is asked where the inventory tells the address."""
    if around.told:
        return Exposure(Rung.TOLD, around.told)
    passed: list[PassedOver] = []
    for step in _ladder(around, asking):
        reasons = [step.why] if step.why else []
        for address in step.addresses:
            why = asking.answers(address, step.strict)
            if not why:
                return Exposure(step.rung, address, tuple(passed))
            reasons.append(f"{address}: {why}")
        if reasons:
            passed.append(PassedOver(step.rung, "; ".join(reasons)))
    return Exposure(Rung.PORT_FORWARD, "", tuple(passed))


def _ladder(around: Around, asking: Asking) -> Iterator[_Step]:
    """The rungs between what is told and the port-forward; each is looked at when those above it have failed."""
    if around.route:
        yield _Step(Rung.ROUTE, (around.route,))
    if around.service is None:
        yield _Step(Rung.LOAD_BALANCER, why="the gateway has no Service yet")
        return
    spec, kind = around.service.get("spec") or {}, kind_of(around.nodes)
    port, balanced = http_node_port(around.service), _balanced(around.service)
    is_balancer = spec.get("type") == "LoadBalancer" or bool(balanced)
    yield _load_balancer(balanced, spec, kind)
    if kind in _ON_LOCALHOST:
        ports = [HTTP_PORT] * is_balancer + [port] * bool(port)
        yield _Step(Rung.LOCALHOST, tuple(f"localhost:{number}" for number in ports), strict=True)
    if kind in MAPPED_KINDS:
        yield _mapped_port(around.nodes, kind, port, bool(balanced), asking)
    yield _node_port(around, port)


def _balanced(service: dict[str, Any]) -> tuple[str, ...]:
    """host:port of what the load balancer tells, the first of them alone."""
    told = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
    hosts = [entry.get("ip") or entry.get("hostname") for entry in told]
    return tuple(at(host, HTTP_PORT) for host in filter(None, hosts))[:MOST_ADDRESSES]


def _load_balancer(balanced: tuple[str, ...], spec: dict[str, Any], kind: str) -> _Step:
    if balanced:
        here = any(address.startswith(_LOOPBACK) for address in balanced)
        return _Step(Rung.LOAD_BALANCER, balanced, strict=here)
    if spec.get("type") != "LoadBalancer":
        return _Step(Rung.LOAD_BALANCER, why=f"the Service is of type {spec.get('type') or 'ClusterIP'}")
    if kind in K3S_KINDS:
        return _Step(
            Rung.LOAD_BALANCER,
            why="pending: k3s has no node whose ports 80, 443 and 15021 are free (k3s' Traefik takes the first two)",
        )
    hint = "; 'minikube tunnel' gives it one" if kind == "minikube" else ""
    return _Step(Rung.LOAD_BALANCER, why=f"pending: the cluster has given it no address{hint}")


def _mapped_port(
    nodes: Sequence[dict[str, Any]], kind: str, port: int | None, has_balancer: bool, asking: Asking
) -> _Step:
    # On port 80 of k3d's own proxy is whoever has k3s' load balancer: another's while the gateway's is pending.
    ports = [port] * bool(port) + [HTTP_PORT] * (kind == "k3d" and has_balancer)
    if not ports:
        return _Step(Rung.MAPPED_PORT, why="the Service has no node port")
    try:
        addresses = tuple(asking.mapped(nodes, ports))
    except OSError as error:
        return _Step(Rung.MAPPED_PORT, why=str(error))
    if not addresses:
        wanted = " or ".join(map(str, ports))
        return _Step(Rung.MAPPED_PORT, why=f"no node has its port {wanted} mapped to this machine")
    return _Step(Rung.MAPPED_PORT, addresses, strict=True)


def _node_port(around: Around, port: int | None) -> _Step:
    if not port:
        return _Step(Rung.NODE_PORT, why="the Service has none")
    hosts = [around.node] if around.node else node_hosts(around.nodes)
    why = "" if hosts else "no node has an address"
    return _Step(Rung.NODE_PORT, tuple(at(host, port) for host in hosts), why)


def at(host: str, port: int) -> str:
    """Return host:port, with an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host and not host.startswith("[") else f"{host}:{port}"
