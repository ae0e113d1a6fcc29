# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of the table of facts: those that Node objects tell, those that a few requests tell, and those on record.

What may not be read, or does not answer, is told in its row; a survey never ends a run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ...kube.client.cluster import Cluster
from ...kube.deadline import Deadline
from ...kube.errors import ApiError, KubeError
from ...kube.storage_classes import API as STORAGE_CLASS
from ...kube.storage_classes import is_default
from ...openshift.routes import route_address, routes_of
from ..cluster_facts import ClusterFacts
from ..cluster_kind import K3S_KINDS, kind_of
from .exposure import Around, Exposure, Rung
from .from_here import exposure_from_here
from .kubelet_tls import KubeletTls, ask_kubelets
from .port_conflicts import GATEWAY_PORTS, Holder, holders_on_localhost, holders_on_nodes
from .table import Row

AUTO = "auto"
METRICS_SERVICE = "v1beta1.metrics.k8s.io"
INSECURE = "--kubelet-insecure-tls"
OPTION = "metrics_server_kubelet_insecure_tls"
# Ansible reads a quoted or an unquoted word of YAML as it likes
INSECURE_WORDS = {"true": "true", "yes": "true", "false": "false", "no": "false", "auto": "auto"}
_OURS = Row("metrics", "metrics-server of this collection", "it is on record in the cluster")
_LOCAL_BALANCER = "docker-desktop"
Value = TypeVar("Value")


@dataclass(frozen=True)
class Wanted:
    """What the inventory says of the same things.

    `gateway` is namespace and name of the gateway's Service, `balanced` whether it is to be of type LoadBalancer,
    `istio` whether it is to be there at all; `told` and `node` are serverless_gateway_address and
    serverless_node_address. `storage_class` is the database's; `insecure` is auto, true or false. `metrics` is whether
    metrics-server is to be installed where nobody serves metrics, `uses_existing` whether one of somebody else's is
    used, `ours` whether there is one of this collection.
    """

    gateway: tuple[str, str] = ("istio-system", "istio-ingressgateway")
    balanced: bool = True
    istio: bool = True
    told: str = ""
    node: str = ""
    storage_class: str = ""
    insecure: str = AUTO
    metrics: bool = True
    uses_existing: bool = True
    ours: bool = False


@dataclass
class Survey:
    """The rows; who holds ports of the gateway; whether metrics-server must do without verified kubelets."""

    rows: list[Row] = field(default_factory=list)
    holders: list[Holder] = field(default_factory=list)
    insecure: bool = False


def rows_of_nodes(facts: ClusterFacts, told_by: str, delivery: tuple[str, str]) -> list[Row]:
    """Return what the version and the Node objects say; `delivery` is the way that images go, and why."""
    ready = "all Ready" if facts.ready >= facts.nodes else f"{facts.ready} of them Ready and of Linux"
    what = ", ".join(filter(None, (" and ".join(facts.architectures), " and ".join(facts.runtimes))))
    return [
        Row("cluster", facts.kind, told_by),
        Row("Kubernetes", facts.version, "the API server says so"),
        Row("nodes", f"{facts.nodes}, {ready}" if facts.nodes else "none", what or "Node objects"),
        Row("image delivery", *delivery),
    ]


def on_record(workloads: Sequence[dict[str, Any]], insecure: str) -> Survey | None:
    """Return what an earlier run has found of the kubelets, by the Deployments of this collection; None without one."""
    home = ("kube-system", "metrics-server")
    ours = next((item for item in workloads if _place(item) == home), None)
    if ours is None:
        return None
    stands = INSECURE in (ours["spec"]["template"]["spec"]["containers"][0].get("args") or [])
    survey = Survey(
        [_OURS],
        insecure=stands if insecure == AUTO else insecure == "true",
    )
    how = "an earlier run asked; metrics-server stands so" if insecure == AUTO else f"{OPTION}: {insecure}"
    survey.rows.append(Row("kubelet TLS", _trust(survey.insecure), how))
    return survey


def survey_of_metrics(cluster: Cluster, wanted: Wanted, deadline: Deadline) -> Survey:
    """Ask for the metrics alone, of a cluster that an earlier run has come to otherwise. Raises KubeError."""
    survey = Survey()
    _add(survey, "metrics", _looked(lambda: _metrics(cluster, None, wanted, survey, deadline)))
    return survey


def survey_of(cluster: Cluster, wanted: Wanted, deadline: Deadline) -> Survey:
    """Ask the cluster, with requests side by side. Raises KubeError where its nodes cannot be read."""
    nodes = cluster.list("v1", "Node", deadline=deadline)
    survey, kind = Survey(), kind_of(nodes)
    with ThreadPoolExecutor(max_workers=5) as pool:
        asked = [
            pool.submit(_looked, lambda: _metrics(cluster, nodes, wanted, survey, deadline)),
            pool.submit(_looked, lambda: _gateway(cluster, nodes, wanted, deadline)),
            pool.submit(_looked, lambda: _ports(cluster, nodes, kind, wanted, survey, deadline)),
            pool.submit(_looked, lambda: _storage(cluster, wanted, deadline)),
        ]
    for fact, future in zip(("metrics", "gateway", "gateway's ports", "storage class"), asked, strict=True):
        _add(survey, fact, future.result())
    return survey


def _add(survey: Survey, fact: str, looked: tuple[list[Row] | None, str]) -> None:
    rows, problem = looked
    survey.rows += rows if rows is not None else [Row(fact, "not known", problem)]


def _place(item: dict[str, Any]) -> tuple[str, str]:
    return item["metadata"]["namespace"], item["metadata"]["name"]


def _looked(read: Callable[[], Value]) -> tuple[Value | None, str]:
    """Return what was read, or why it could not be."""
    try:
        return read(), ""
    except ApiError as error:
        return None, "this user may not look" if error.status == 403 else str(error)
    except KubeError as error:
        return None, str(error)


def _metrics(
    cluster: Cluster, nodes: Sequence[dict[str, Any]] | None, wanted: Wanted, survey: Survey, deadline: Deadline
) -> list[Row]:
    """Who serves metrics, and the kubelets' certificates; without `nodes` these are read where they matter."""
    service = cluster.get("apiregistration.k8s.io/v1", "APIService", METRICS_SERVICE, deadline=deadline)
    if wanted.ours:
        row = _OURS
    elif service is not None:
        served_by = (service.get("spec") or {}).get("service") or {}
        name = f"{served_by.get('namespace')}/{served_by.get('name')}"
        row = Row("metrics", f"served by {name}", f"APIService {METRICS_SERVICE}, which is not ours")
        if wanted.uses_existing:
            return [Row("metrics", f"{row.value}; left alone", row.how)]
    else:
        row = Row("metrics", "nobody serves them yet", f"there is no APIService {METRICS_SERVICE}")
    if not wanted.metrics:
        return [row]
    if wanted.insecure != AUTO:
        survey.insecure = wanted.insecure == "true"
        return [row, Row("kubelet TLS", _trust(survey.insecure), f"{OPTION}: {wanted.insecure}")]
    answer = ask_kubelets(cluster, cluster.list("v1", "Node", deadline=deadline) if nodes is None else nodes, deadline)
    survey.insecure = answer.is_refused
    return [row, Row("kubelet TLS", _trust(survey.insecure), _how(answer))]


def _how(answer: KubeletTls) -> str:
    return f"{answer}. {OPTION}: false insists" if answer.is_refused else str(answer)


def _trust(insecure: bool) -> str:
    return f"not verified ({INSECURE})" if insecure else "verified by metrics-server"


def _gateway(cluster: Cluster, nodes: Sequence[dict[str, Any]], wanted: Wanted, deadline: Deadline) -> list[Row]:
    if wanted.told:
        return [Row("gateway", wanted.told, "serverless_gateway_address")]
    namespace, name = wanted.gateway
    service = cluster.get("v1", "Service", name, namespace, deadline)
    if service is None and not wanted.istio:
        return []
    if service is None:
        way = Rung.LOAD_BALANCER if wanted.balanced else Rung.NODE_PORT
        how = f"there is no Service {namespace}/{name} yet; the report tells by which way it is reached"
        return [Row("gateway", f"{way}, else what answers", how)]
    route = route_address(routes_of(cluster, namespace, deadline), name)
    exposure = exposure_from_here(Around(service, nodes, node=wanted.node, route=route))
    return [Row("gateway", exposure.address or str(exposure.rung), _rung(exposure))]


def _rung(exposure: Exposure) -> str:
    passed = "; ".join(f"not by {one}" for one in exposure.passed)
    return f"{exposure.rung}, asked from here" + (f"; {passed}" if passed else "")


def _ports(
    cluster: Cluster,
    nodes: Sequence[dict[str, Any]],
    kind: str,
    wanted: Wanted,
    survey: Survey,
    deadline: Deadline,
) -> list[Row]:
    if not (wanted.istio and wanted.balanced) or kind not in (*K3S_KINDS, _LOCAL_BALANCER):
        return []
    if kind == _LOCAL_BALANCER:
        found = holders_on_localhost(cluster.list("v1", "Service", deadline=deadline), wanted.gateway)
        how = "Services of type LoadBalancer; Docker Desktop has one address for all"
    else:
        found = holders_on_nodes(cluster.list("apps/v1", "DaemonSet", deadline=deadline), nodes, wanted.gateway)
        how = "host ports of DaemonSets; k3s' load balancer wants them on a node"
    survey.holders += found
    return [Row("gateway's ports", "; ".join(map(str, found)) or f"{_ports_in_words()} are free", how)]


def _ports_in_words() -> str:
    return ", ".join(map(str, GATEWAY_PORTS[:-1])) + f" and {GATEWAY_PORTS[-1]}"


def _storage(cluster: Cluster, wanted: Wanted, deadline: Deadline) -> list[Row]:
    classes = cluster.list(*STORAGE_CLASS, deadline=deadline)
    by_name = {item["metadata"]["name"]: item for item in classes}
    default = next((name for name, item in sorted(by_name.items()) if is_default(item)), "")
    name = wanted.storage_class or default
    if name in by_name:
        chosen = "todo_database_storage_class" if wanted.storage_class else "the cluster's default"
        return [Row("storage class", name, f"{chosen}, made by {by_name[name].get('provisioner')}")]
    there = f"there are: {', '.join(sorted(by_name))}" if by_name else "the cluster has none"
    if wanted.storage_class:
        return [Row("storage class", f"{wanted.storage_class} is not there", there)]
    return [Row("storage class", "no default one", f"{there}. The to-dos' volume needs todo_database_storage_class")]
