# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether metrics-server can verify the certificates of the kubelets, asked of the kubelets themselves.

metrics-server trusts the authority that every pod is given (the ConfigMap kube-root-ca.crt) and connects to the first
of a node's InternalIP, ExternalIP and Hostname, at the port of the node's status: its cmd/metrics-server/app/options/
kubelet_client.go, and the arguments of its released manifests. The API server's own way to a node is no answer, for by
default it verifies nothing (--kubelet-certificate-authority is empty).

A handshake from here that holds is an answer. One that fails is not yet: at an address of a private network another
machine may answer from here, or a proxy on the way. Then the kubelet is asked through the API server, by a port-forward
to a pod of the node's own network. Where there is none, a refused certificate counts if it names the node, as those do
that kubelets make for themselves (kubernetes cmd/kubelet/app/server.go: HOSTNAME@TIME).
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ...http.errors import HttpSetupError
from ...http.tls import tls_context
from ...kube.client.cluster import Cluster
from ...kube.client.port_forward import PodPort, handshake
from ...kube.deadline import Deadline
from ...kube.errors import KubeError
from ..node_kinds import treatment

_PORT = 10250
_ADDRESSES = ("InternalIP", "ExternalIP", "Hostname")
_PATIENCE = 2.0  # seconds for a connection from here
MOST_NODES = 16  # of a large cluster; its kubelets have one configuration as a rule
_HOME = "kube-system"


class Trust(StrEnum):
    """What a kubelet's certificate is to metrics-server."""

    VERIFIED = "verified"
    REFUSED = "refused"
    NOT_ASKED = "not asked"


@dataclass(frozen=True)
class Kubelet:
    """One answer: `why` is what TLS says of a certificate that is refused, or why the kubelet could not be asked."""

    node: str
    trust: Trust
    why: str = ""


@dataclass(frozen=True)
class KubeletTls:
    """The answers of the kubelets, and how many there are in all."""

    kubelets: tuple[Kubelet, ...] = ()
    nodes: int = 0
    problem: str = ""
    by_trust: Mapping[Trust, tuple[Kubelet, ...]] = field(init=False)

    def __post_init__(self) -> None:
        found = {trust: tuple(one for one in self.kubelets if one.trust is trust) for trust in Trust}
        object.__setattr__(self, "by_trust", found)

    @property
    def is_refused(self) -> bool:
        """Whether a kubelet has a certificate that metrics-server would refuse."""
        return bool(self.by_trust[Trust.REFUSED])

    def __str__(self) -> str:
        """How it is known, for people."""
        refused, verified = self.by_trust[Trust.REFUSED], self.by_trust[Trust.VERIFIED]
        if refused:
            names = ", ".join(one.node for one in refused)
            return f"the kubelet of {names} was asked: {refused[0].why}"
        if verified:
            return f"the kubelets of {len(verified)} of {self.nodes} nodes were asked; the cluster's CA signed them"
        return f"no kubelet could be asked: {self.problem or self.kubelets[0].why}" if self.nodes else "no node to ask"


def ask_kubelets(cluster: Cluster, nodes: Sequence[dict[str, Any]], deadline: Deadline) -> KubeletTls:
    """Ask the kubelets of the nodes that metrics-server is to have figures of; what cannot be asked is no error."""
    wanted = [node for node in nodes if treatment(node).awaited]
    if not wanted:
        return KubeletTls()
    try:
        context = _trusting(cluster, deadline)
    except (KubeError, HttpSetupError) as error:
        return KubeletTls((), len(wanted), f"the cluster's CA cannot be read: {error}")
    some = wanted[:MOST_NODES]
    with ThreadPoolExecutor(max_workers=len(some)) as pool:
        direct = list(pool.map(lambda node: _from_here(node, context), some))
        if all(one.trust is Trust.VERIFIED for one in direct):
            return KubeletTls(tuple(direct), len(wanted))
        pods = _pods_of_nodes(cluster, deadline)
        final = list(pool.map(lambda pair: _confirmed(cluster, *pair, pods, context), zip(some, direct, strict=True)))
    return KubeletTls(tuple(final), len(wanted))


def _trusting(cluster: Cluster, deadline: Deadline) -> ssl.SSLContext:
    """Trust the authority that pods are given, and no other."""
    found = cluster.get("v1", "ConfigMap", "kube-root-ca.crt", _HOME, deadline) or {}
    authority = (found.get("data") or {}).get("ca.crt") or ""
    if not authority:
        raise HttpSetupError(f"there is no ConfigMap {_HOME}/kube-root-ca.crt")
    return tls_context(authority.encode(), system_authorities=False)


def _from_here(node: dict[str, Any], context: ssl.SSLContext) -> Kubelet:
    name, host, port = node["metadata"]["name"], _address(node), _port(node)
    if not host:
        return Kubelet(name, Trust.NOT_ASKED, f"the node {name} has no address")
    try:
        with (
            socket.create_connection((host, port), _PATIENCE) as plain,
            context.wrap_socket(plain, server_hostname=host),
        ):
            return Kubelet(name, Trust.VERIFIED)
    except ssl.SSLCertVerificationError as error:
        if _names(host, port, name):
            return Kubelet(name, Trust.REFUSED, f"{host}:{port}: {error.verify_message}")
        return Kubelet(name, Trust.NOT_ASKED, f"{host}:{port}: who answers from here is not {name}")
    except OSError as error:
        said = "no answer in time" if isinstance(error, TimeoutError) else error.strerror or type(error).__name__
        return Kubelet(name, Trust.NOT_ASKED, f"{host}:{port}: {said}")


def _names(host: str, port: int, node: str) -> bool:
    """Whether the certificate that is shown there has a node's name in it."""
    anyone = ssl.create_default_context()
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    try:
        with socket.create_connection((host, port), _PATIENCE) as plain, anyone.wrap_socket(plain) as shown:
            return node.encode() in (shown.getpeercert(binary_form=True) or b"")
    except OSError:
        return False


def _confirmed(
    cluster: Cluster, node: dict[str, Any], direct: Kubelet, pods: Mapping[str, str], context: ssl.SSLContext
) -> Kubelet:
    """The answer by way of the API server, where one from here does not hold and there is such a way."""
    pod, host = pods.get(direct.node), _address(node)
    if direct.trust is Trust.VERIFIED or not pod or not host:
        return direct
    try:
        handshake(cluster, PodPort(_HOME, pod, _port(node)), context, host)
    except ssl.SSLCertVerificationError as error:
        return Kubelet(direct.node, Trust.REFUSED, error.verify_message)
    except KubeError:
        return direct
    return Kubelet(direct.node, Trust.VERIFIED)


def _pods_of_nodes(cluster: Cluster, deadline: Deadline) -> dict[str, str]:
    """A running pod of each node's own network, by node, such as kube-proxy; none where pods may not be listed."""
    try:
        pods = cluster.list("v1", "Pod", _HOME, deadline=deadline)
    except KubeError:
        return {}
    return {
        pod["spec"]["nodeName"]: pod["metadata"]["name"]
        for pod in pods
        if pod["spec"].get("hostNetwork") and pod["spec"].get("nodeName") and pod["status"].get("phase") == "Running"
    }


def _address(node: dict[str, Any]) -> str:
    told = (node.get("status") or {}).get("addresses") or []
    by_type = {entry["type"]: entry["address"] for entry in reversed(told)}
    return next((by_type[kind] for kind in _ADDRESSES if by_type.get(kind)), "")


def _port(node: dict[str, Any]) -> int:
    endpoints = (node.get("status") or {}).get("daemonEndpoints") or {}
    return int((endpoints.get("kubeletEndpoint") or {}).get("Port") or _PORT)
