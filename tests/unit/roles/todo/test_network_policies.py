"""Which connections the rendered NetworkPolicies allow, judged by evaluating them: the lab's network enforces none."""

from __future__ import annotations

import pytest
import yaml
from network_policies import Pod, allowed
from rendering import render

WEB, RULE, USER, DATABASE = (Pod("todo", {"app": name}) for name in ("web", "rule", "user", "database"))
PODS = (WEB, RULE, USER, DATABASE)
GATEWAY = Pod("istio-system", {"istio": "ingressgateway"})
ISTIOD = Pod("istio-system", {"app": "istiod"})
ACTIVATOR = Pod("knative-serving", {"app": "activator"})
AUTOSCALER = Pod("knative-serving", {"app": "autoscaler"})
DNS = Pod("kube-system", {"k8s-app": "kube-dns"})
DNS_ON_NODE = Pod(address="169.254.20.10")
PROMETHEUS = Pod("monitoring", {"app": "prometheus"})
OUTSIDE = Pod(address="203.0.113.7")
STRANGER = Pod("elsewhere", {"app": "web"})
STRANGER_AT_HOME = Pod("todo", {"app": "other"})
APP, QUEUE, QUEUE_FIGURES, LOCAL_GATEWAY, POSTGRES, XDS, METRICS = 8080, 8012, 9090, 8081, 5432, 15012, 9464
EVERYWHERE = (*PODS, GATEWAY, ISTIOD, ACTIVATOR, AUTOSCALER, DNS, PROMETHEUS, OUTSIDE, STRANGER, STRANGER_AT_HOME)
PORTS = (APP, QUEUE, QUEUE_FIGURES, LOCAL_GATEWAY, POSTGRES, XDS, METRICS, 53, 80, 443, 22)

NAMES = {(pod, DNS, 53) for pod in (WEB, RULE)}
FIGURES = {(PROMETHEUS, pod, METRICS) for pod in (WEB, RULE, USER)}
ALWAYS = NAMES | FIGURES
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
    "kubernetes": ALWAYS | CALLS | {(caller, WEB, APP) for caller in EVERYWHERE if caller.namespace != "todo"},
    "istio": ALWAYS | CALLS | SIDECARS | {(GATEWAY, WEB, APP)},
    "knative": ALWAYS | KNATIVE,
    "knative in the mesh": ALWAYS | KNATIVE | SIDECARS | MESHED,
}


def policies_of(**changed):
    found = [item for item in yaml.safe_load_all(render("todo.yml.j2", **changed)) if item]
    return [item for item in found if item["kind"] == "NetworkPolicy"]


@pytest.mark.parametrize("case", NEEDED)
def test_exactly_what_is_needed_is_allowed(case):
    policies = policies_of(todo_variant=case.split()[0], todo_istio_injection="mesh" in case)
    ways = {(source, target, port) for source in EVERYWHERE for target in EVERYWHERE for port in PORTS}
    of_namespace = {way for way in ways if way[0] != way[1] and "todo" in (way[0].namespace, way[1].namespace)}
    assert {way for way in of_namespace if allowed(policies, *way)} == NEEDED[case]


def test_names_are_asked_for_by_udp_and_of_the_cache_on_the_node():
    policies = policies_of()
    assert allowed(policies, WEB, DNS, 53, "UDP") and allowed(policies, RULE, DNS_ON_NODE, 53, "UDP")
    assert not allowed(policies, USER, DNS, 53, "UDP") and not allowed(policies, DATABASE, DNS, 53, "UDP")


def test_the_gateway_is_an_option():
    changed = {"serverless_gateway": {"namespace": "edge", "selector": {"istio": "mine"}}}
    policies = policies_of(todo_variant="istio", **changed)
    assert allowed(policies, Pod("edge", {"istio": "mine"}), WEB, APP)
    assert not allowed(policies, GATEWAY, WEB, APP)


def test_who_reads_metrics_is_an_option():
    assert allowed(policies_of(todo_metrics_namespaces=["elsewhere"]), STRANGER, WEB, METRICS)
    closed = policies_of(todo_metrics_namespaces=[])
    assert not any(allowed(closed, reader, WEB, METRICS) for reader in EVERYWHERE)


@pytest.mark.parametrize(
    ("case", "ports"),
    [
        ("kubernetes", {METRICS}),
        ("istio", {METRICS, 15020}),
        ("knative", {METRICS, 9091}),
        ("mesh", {METRICS, 9091, 15020}),
    ],
)
def test_our_own_prometheus_reads_what_the_annotations_tell(case, ports):
    ours = Pod("istio-system", {"app.kubernetes.io/name": "prometheus"})
    variant = "knative" if case == "mesh" else case
    policies = policies_of(todo_variant=variant, todo_istio_injection=case == "mesh", todo_scraped=True)
    asked = {*PORTS, 9091, 15020} - {APP}  # in the variant kubernetes web is open to all
    for reader in (ours, PROMETHEUS):
        assert {port for port in asked if allowed(policies, reader, USER, port)} == ports
    assert not any(allowed(policies, ours, DATABASE, port) for port in asked)


def test_without_policies_there_are_none():
    assert not policies_of(todo_network_policies=False)
