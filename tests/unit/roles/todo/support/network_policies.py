"""What NetworkPolicies allow, as the API defines it.

A pod that a policy selects for a direction is closed in it, except for what some policy that selects it lists.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network


@dataclass(frozen=True)
class Pod:
    """One end of a connection; `address` for one that is no pod of the cluster, and then it has no labels."""

    namespace: str = ""
    labels: dict[str, str] = field(default_factory=dict, hash=False)
    address: str = ""


def allowed(policies: list[dict], source: Pod, target: Pod, port: int, protocol: str = "TCP") -> bool:
    """Whether a connection may leave its source and enter its target."""
    return _passes(policies, "Egress", source, target, port, protocol) and _passes(
        policies, "Ingress", target, source, port, protocol
    )


def _passes(policies: list[dict], direction: str, pod: Pod, other: Pod, port: int, protocol: str) -> bool:
    rules, closed = [], False
    for policy in policies:
        spec = policy["spec"]
        if policy["metadata"]["namespace"] != pod.namespace or not _selects(spec["podSelector"], pod.labels):
            continue
        if direction in spec["policyTypes"]:
            closed = True
            rules += spec.get(direction.lower()) or []
    peers = "to" if direction == "Egress" else "from"
    return not closed or any(_fits(rule, peers, pod.namespace, other, port, protocol) for rule in rules)


def _fits(rule: dict, peers: str, namespace: str, other: Pod, port: int, protocol: str) -> bool:
    ports = rule.get("ports") or []
    if ports and not any(entry["port"] == port and entry.get("protocol", "TCP") == protocol for entry in ports):
        return False
    listed = rule.get(peers) or []
    return not listed or any(_is(peer, namespace, other) for peer in listed)


def _is(peer: dict, namespace: str, other: Pod) -> bool:
    if "ipBlock" in peer:
        return bool(other.address) and ip_address(other.address) in ip_network(peer["ipBlock"]["cidr"])
    if not other.namespace:
        return False
    if "namespaceSelector" in peer:
        if not _selects(peer["namespaceSelector"], {"kubernetes.io/metadata.name": other.namespace}):
            return False
    elif other.namespace != namespace:
        return False
    return _selects(peer.get("podSelector") or {}, other.labels)


def _selects(selector: dict, labels: dict[str, str]) -> bool:
    assert set(selector) <= {"matchLabels", "matchExpressions"}
    expressions = selector.get("matchExpressions") or []
    assert all(expression["operator"] == "In" for expression in expressions), "only In is evaluated here"
    return (selector.get("matchLabels") or {}).items() <= labels.items() and all(
        labels.get(expression["key"]) in expression["values"] for expression in expressions
    )
