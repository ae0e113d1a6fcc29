"""What the gateway's Service and the nodes say of its addresses."""

from __future__ import annotations

from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.site.gateway import (
    http_node_port,
    node_host,
    node_hosts,
)


def node(*addresses: tuple[str, str], ready: str = "True") -> dict[str, Any]:
    told = [{"type": kind, "address": address} for kind, address in addresses]
    return {
        "metadata": {"name": "n"},
        "status": {"addresses": told, "conditions": [{"type": "Ready", "status": ready}]},
    }


def test_the_node_port_is_that_of_the_http_port() -> None:
    ports = [{"port": 15021, "nodePort": 31000}, {"port": 80, "nodePort": 30080}]
    assert http_node_port({"spec": {"ports": ports}}) == 30080
    assert http_node_port({"spec": {"ports": ports[:1]}}) is None
    assert http_node_port({}) is None


def test_an_external_address_comes_before_an_internal_one() -> None:
    inside = node(("Hostname", "n"), ("InternalIP", "10.0.0.4"))
    outside = node(("InternalIP", "10.0.0.5"), ("ExternalIP", "203.0.113.5"))
    assert node_hosts([inside, outside]) == ["203.0.113.5", "10.0.0.4"]
    assert node_host([inside]) == "10.0.0.4" and node_host([]) is None


def test_a_node_that_is_down_is_asked_where_there_is_no_other() -> None:
    down, up = node(("InternalIP", "10.0.0.6"), ready="False"), node(("InternalIP", "10.0.0.7"))
    assert node_hosts([down, up]) == ["10.0.0.7"]
    assert node_hosts([down]) == ["10.0.0.6"]
