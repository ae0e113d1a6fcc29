"""Who holds the ports of the gateway's load balancer."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.platform.port_conflicts import (
    Holder,
    holders_on_localhost,
    holders_on_nodes,
)

GATEWAY = ("istio-system", "istio-ingressgateway")
TRAEFIK, OURS = ("kube-system", "traefik"), GATEWAY
NODES = [{"metadata": {"name": name}} for name in ("a", "b")]
KWOK = {"metadata": {"name": "k", "labels": {"type": "kwok"}}}


def daemon_set(name: str, *ports: int, service: tuple[str, str] | None = None, nodes: int = 2) -> dict[str, Any]:
    """One that has host ports; with a service, as k3s makes it for that."""
    labels = {}
    if service:
        prefix = "svccontroller.k3s.cattle.io"
        labels = {f"{prefix}/svcnamespace": service[0], f"{prefix}/svcname": service[1]}
    containers = [{"name": f"lb-tcp-{port}", "ports": [{"containerPort": port, "hostPort": port}]} for port in ports]
    return {
        "metadata": {"name": name, "namespace": "kube-system", "labels": labels},
        "spec": {"template": {"spec": {"containers": [*containers, {"name": "other"}]}}},
        "status": {"desiredNumberScheduled": nodes},
    }


@pytest.mark.parametrize(
    ("item", "found"),
    [
        (daemon_set("svclb-traefik-1", 80, 443, service=TRAEFIK), [Holder("Service kube-system/traefik", (80, 443))]),
        (daemon_set("svclb-istio-1", 80, 443, 15021, service=OURS), []),
        (daemon_set("ingress-nginx", 80), [Holder("DaemonSet kube-system/ingress-nginx", (80,))]),
        (daemon_set("exporter", 9100), []),
        # The other node is free
        (daemon_set("svclb-traefik-1", 80, 443, service=TRAEFIK, nodes=1), []),
    ],
)
def test_host_ports_on_every_node(item: dict[str, Any], found: list[Holder]) -> None:
    assert holders_on_nodes([item], [*NODES, KWOK], GATEWAY) == found


def test_k3s_traefik_is_told_with_what_to_do() -> None:
    text, remedy = Holder("Service kube-system/traefik", (80, 443)).trouble()
    assert (
        text
        == "Service kube-system/traefik has 80 and 443, which the gateway's load balancer wants: that will stay pending"
    )
    assert "node port" in remedy and "--disable=traefik" in remedy
    assert "--disable=traefik" not in Holder("DaemonSet kube-system/ingress-nginx", (80,)).trouble()[1]


def test_other_load_balancers_where_there_is_one_address() -> None:
    def service(home: str, name: str, kind: str, *ports: int) -> dict[str, Any]:
        entries = [{"port": port} for port in ports]
        return {"metadata": {"namespace": home, "name": name}, "spec": {"type": kind, "ports": entries}}

    services = [
        service("shop", "web", "LoadBalancer", 80, 8080),
        service("shop", "db", "LoadBalancer", 5432),
        service("shop", "inner", "ClusterIP", 80),
        service(*GATEWAY, "LoadBalancer", 80, 443),
    ]
    assert holders_on_localhost(services, GATEWAY) == [Holder("Service shop/web", (80,))]
