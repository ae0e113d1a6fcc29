"""Which connections the rendered NetworkPolicies allow, judged by evaluating them: the lab's network enforces none."""

from __future__ import annotations

import pytest
import yaml
from network_policies import Pod, allowed

WEB, RULE, USER, DATABASE = (Pod("todo", {"app": name}) for name in ("web", "rule", "user", "database"))
PODS = (WEB, RULE, USER, DATABASE)
GATEWAY = Pod("istio-system", {"istio": "ingressgateway"})
ISTIOD = Pod("istio-system", {"app": "istiod"})
ACTIVATOR = Pod("knative-serving", {"app": "activator"})
AUTOSCALER = Pod("knative-serving", {"app": "autoscaler"})
DNS = Pod("kube-system", {"k8s-app": "kube-dns"})
DNS_ON_NODE = Pod(address="169.254.20.10")
OUTSIDE = Pod(address="203.0.113.7")
STRANGER = Pod("elsewhere", {"app": "web"})
STRANGER_AT_HOME = Pod("todo", {"app": "other"})
APP, QUEUE, QUEUE_FIGURES, LOCAL_GATEWAY, POSTGRES, XDS = 8080, 8012, 9090, 8081, 5432, 15012
EVERYWHERE = (*PODS, GATEWAY, ISTIOD, ACTIVATOR, AUTOSCALER, DNS, OUTSIDE, STRANGER, STRANGER_AT_HOME)
PORTS = (APP, QUEUE, QUEUE_FIGURES, LOCAL_GATEWAY, POSTGRES, XDS, 53, 80, 443, 22)

NAMES = {(pod, DNS, 53) for pod in (WEB, RULE)}
CALLS = {(WEB, RULE, APP), (WEB, USER, APP), (RULE, DATABASE, POSTGRES)}
SIDECARS = {(pod, ISTIOD, XDS) for pod in PODS} | {(pod, DNS, 53) for pod in PODS}
KNATIVE = (
    {(caller, service, QUEUE) for caller in (GATEWAY, ACTIVATOR) for service in (WEB, RULE, USER)}
    | {(AUTOSCALER, service, QUEUE_FIGURES) for service in (WEB, RULE, USER)}
    | {(WEB, GATEWAY, LOCAL_GATEWAY), (RULE, DATABASE, POSTGRES)}
)
MESHED = {(WEB, ACTIVATOR, QUEUE), (WEB, RULE, QUEUE), (WEB, USER, QUEUE)}
# Every connection that begins or ends in the namespace and must be possible; everything else must not be
NEEDED = {
    "kubernetes": NAMES | CALLS | {(caller, WEB, APP) for caller in EVERYWHERE if caller.namespace != "todo"},
    "istio": NAMES | CALLS | SIDECARS | {(GATEWAY, WEB, APP)},
    "knative": NAMES | KNATIVE,
    "knative in the mesh": NAMES | KNATIVE | SIDECARS | MESHED,
}


def policies_of(rendered, **changed):
    found = [item for item in yaml.safe_load_all(rendered("todo.yml.j2", **changed)) if item]
    return [item for item in found if item["kind"] == "NetworkPolicy"]


@pytest.mark.parametrize("case", NEEDED)
def test_exactly_what_is_needed_is_allowed(rendered, case):
    policies = policies_of(rendered, todo_variant=case.split()[0], todo_istio_injection="mesh" in case)
    ways = {(source, target, port) for source in EVERYWHERE for target in EVERYWHERE for port in PORTS}
    of_namespace = {way for way in ways if way[0] != way[1] and "todo" in (way[0].namespace, way[1].namespace)}
    assert {way for way in of_namespace if allowed(policies, *way)} == NEEDED[case]


def test_names_are_asked_for_by_udp_and_of_the_cache_on_the_node(rendered):
    policies = policies_of(rendered)
    assert allowed(policies, WEB, DNS, 53, "UDP") and allowed(policies, RULE, DNS_ON_NODE, 53, "UDP")
    assert not allowed(policies, USER, DNS, 53, "UDP") and not allowed(policies, DATABASE, DNS, 53, "UDP")


def test_the_gateway_is_an_option(rendered):
    changed = {"todo_gateway_namespace": "edge", "todo_gateway_selector": {"istio": "mine"}}
    policies = policies_of(rendered, todo_variant="istio", **changed)
    assert allowed(policies, Pod("edge", {"istio": "mine"}), WEB, APP)
    assert not allowed(policies, GATEWAY, WEB, APP)


def test_without_policies_there_are_none(rendered):
    assert not policies_of(rendered, todo_network_policies=False)
