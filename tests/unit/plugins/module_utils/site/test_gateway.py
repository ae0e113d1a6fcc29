"""Where the gateway is reached."""

from __future__ import annotations

from ansible_collections.selfhosted.serverless.plugins.module_utils.site.gateway import gateway_address

NODES = [
    {"status": {"addresses": [{"type": "Hostname", "address": "n"}, {"type": "InternalIP", "address": "10.0.0.4"}]}}
]


def service(ingress: list[dict] | None = None, node_port: int | None = 30080) -> dict:
    port = {"port": 80} | ({"nodePort": node_port} if node_port else {})
    return {
        "spec": {"ports": [{"port": 15021, "nodePort": 31000}, port]},
        "status": {"loadBalancer": {"ingress": ingress}},
    }


def test_a_load_balancer_comes_first() -> None:
    assert gateway_address(service([{"ip": "203.0.113.7"}]), NODES) == "203.0.113.7:80"
    assert gateway_address(service([{"hostname": "lb.example"}]), NODES) == "lb.example:80"


def test_without_one_the_node_port_is_used() -> None:
    assert gateway_address(service(), NODES) == "10.0.0.4:30080"


def test_a_service_for_the_cluster_alone_has_no_address() -> None:
    assert gateway_address(service(node_port=None), NODES) is None
    assert gateway_address(None, NODES) is None
