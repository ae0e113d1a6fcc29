# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text at the end of a run: what stands on a cluster, how to open it, how to remove it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from ..images.errors import InvalidReference
from ..images.policy.policy import ImagePolicy
from ..images.reference.reference import Reference
from .commands import kubectl
from .platform.exposure import Exposure, Rung

# containerd and CRI-O keep no record of the mirror that gave an image; docker does, in the image's ID
_NOT_OBSERVED = "  (observed: a node tells it; configured: it is what the image policy says, no node tells otherwise)"
_NO_REPORT = "none is written; report_directory=FOLDER has it written there, with all images and times"
CLUSTER_LOCAL = "networking.knative.dev/visibility"


@dataclass(frozen=True)
class InstalledRelease:
    """One release of ours: its name, its version (may be empty) and how many objects belong to it."""

    name: str
    version: str
    objects: int


class ImageOrigin(NamedTuple):
    """An image by the name that pods have, the place that it came from, and whether a node told that."""

    image: str
    place: str
    observed: bool

    def __str__(self) -> str:
        return f"{self.place} ({'observed' if self.observed else 'configured'})"


@dataclass(frozen=True)
class Summary:
    """All that the text is made of. `hosts` are the public host names.

    `gateway` is how these are reached, None where nothing asked for it; `gateway_service` is its NAMESPACE/NAME.
    `at_nodes` is what is reached at a port of the nodes, as host:port.
    `kubeconfig` is that of the context, where it is not the usual one. `run` says what this run did, `facts` are those
    of a verification, {name, ok, text, remedy}. `verify` and `remove` are commands, `report` is the file with the rest,
    `openshift` the version of OpenShift.
    """

    context: str
    server: str
    kind: str
    nodes: int
    releases: Sequence[InstalledRelease] = ()
    images: Sequence[ImageOrigin] = ()
    hosts: Sequence[str] = ()
    gateway: Exposure | None = None
    gateway_service: str = "istio-system/istio-ingressgateway"
    at_nodes: Sequence[str] = ()
    remove: Sequence[str] = field(default_factory=tuple)
    kubeconfig: str = ""
    run: str = ""
    facts: Sequence[Mapping[str, Any]] = ()
    verify: Sequence[str] = ()
    report: str = ""
    openshift: str = ""

    def lines(self, with_images: bool = False) -> list[str]:
        """Return the text, one entry a line; `with_images` lists every image."""
        kind = f"{self.kind} {self.openshift}".rstrip()
        text = [f"Context {self.context}: Kubernetes {self.server} ({kind}, {count(self.nodes, 'node')})"]
        text += [f"This run: {self.run}"] if self.run else []
        text += [*self._verified(), "", "Installed:"]
        text += [
            f"  {release.name:20} {release.version or '-':28} {count(release.objects, 'object')}"
            for release in self.releases
        ] or ["  nothing of this collection"]
        if self.images and with_images:
            width = max(len(origin.image) for origin in self.images)
            text += ["", "Images:", _NOT_OBSERVED]
            text += [f"  {origin.image:{width}}  from {origin}" for origin in self.images]
        text += ["", "Open:", *self.how_to_open()]
        verify = self.verify if self.releases else ()
        for heading, commands in (("Verify it:", verify), ("Remove it all:", self.remove)):
            text += ["", heading, *(f"  {line}" for line in commands)] if commands else []
        report = self.report or _NO_REPORT
        return [*text, "", "Report:", f"  {report}"]

    def urls(self) -> list[str]:
        """Return the addresses for a browser; those of hosts want a line in /etc/hosts."""
        urls = [f"http://{address}/" for address in self.at_nodes]
        if not self.address:
            return urls
        return urls + [f"http://{host}{_shown_port(self.address)}/" for host in self.hosts]

    @property
    def address(self) -> str:
        """host:port of the gateway from here; '' where it is reached by a port-forward alone."""
        return self.gateway.address if self.gateway else ""

    def _verified(self) -> list[str]:
        """Return how many facts hold, and each that does not with what to do."""
        asked = [fact for fact in self.facts if fact.get("ok") is not None]
        if not asked:
            return []
        wrong = [fact for fact in asked if not fact["ok"]]
        lines = [f"Verified: {len(asked) - len(wrong)} of {count(len(asked), 'fact')} hold"]
        for fact in wrong:
            lines.append(f"  {fact['name']}: {fact.get('text') or 'it does not hold'}")
            lines += [f"    {fact['remedy']}"] if fact.get("remedy") else []
        return lines

    def how_to_open(self) -> list[str]:
        """Return the lines that say how a person gets to the application."""
        text = [f"  http://{address}/" for address in self.at_nodes]
        if not self.hosts:
            return text or ["  no public service is installed"]
        if not self.address:
            return [*text, *self._by_port_forward()]
        address = self.address.rpartition(":")[0]
        for host in self.hosts:
            text += [
                f"  http://{host}{_shown_port(self.address)}/   {_name_resolution(address, host)}",
                f"  or without it:  curl -H 'Host: {host}' http://{self.address}/",
            ]
        return [*text, *self._rung()]

    def _by_port_forward(self) -> list[str]:
        """Return how a person reaches a gateway that answers nowhere outside the cluster."""
        namespace, _slash, name = self.gateway_service.partition("/")
        command = kubectl(self.context, self.kubeconfig)
        text = [
            "  the gateway has no address outside the cluster that answers from here; forward a port first:",
            f"  {command} -n {namespace} port-forward service/{name} 8080:80",
        ]
        text += [f"  and meanwhile:  curl -H 'Host: {host}' http://127.0.0.1:8080/" for host in self.hosts]
        return [*text, *self._rung()]

    def _rung(self) -> list[str]:
        """Return by which way the gateway is reached, where nobody has told it, and why by none before that."""
        if self.gateway is None or self.gateway.rung is Rung.TOLD:
            return []
        return [f"  reached by: {self.gateway.rung}", *(f"    not by {passed}" for passed in self.gateway.passed)]


def _name_resolution(address: str, host: str) -> str:
    """Return what leads a browser from a host to an address, which may be a name; /etc/hosts takes none."""
    address = "127.0.0.1" if address == "localhost" else address.strip("[]")
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return f"where name servers lead {host} to {address}, or /etc/hosts to one of its addresses"
    return f"with this line in /etc/hosts:  {address} {host}"


def _shown_port(gateway: str) -> str:
    port = gateway.rpartition(":")[2]
    return "" if port == "80" else f":{port}"


def count(number: int, noun: str) -> str:
    """Return e.g. '1 node', '2 nodes'."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def public_hosts(services: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the host names of the Knative Services that the gateway serves to the outside, sorted."""
    hosts = set()
    for service in services:
        labels = service.get("metadata", {}).get("labels") or {}
        url = (service.get("status") or {}).get("url")
        if url and labels.get(CLUSTER_LOCAL) != "cluster-local":
            hosts.add(urlsplit(url).netloc)
    return sorted(hosts)


def mesh_hosts(virtual_services: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the host names that Istio's VirtualServices serve to the outside: those bound to a gateway, sorted."""
    specs = [service.get("spec") or {} for service in virtual_services]
    return sorted({host for spec in specs if set(spec.get("gateways") or []) - {"mesh"} for host in spec["hosts"]})


def node_addresses(services: Sequence[Mapping[str, Any]], host: str | None) -> list[str]:
    """Return host:port of every Service of type NodePort; none without a `host` at which nodes are reached."""
    specs = [service.get("spec") or {} for service in services]
    ports = [port for spec in specs if spec.get("type") == "NodePort" for port in spec.get("ports") or []]
    return sorted(f"{host}:{port['nodePort']}" for port in ports if host and port.get("nodePort"))


def running_images(pods: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the references that the containers of all pods run, sorted."""
    found = set()
    for pod in pods:
        spec = pod.get("spec", {})
        found |= {c["image"] for c in [*spec.get("initContainers", []), *spec.get("containers", [])]}
    return sorted(found)


def pulled_from(pods: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the registries that images came from, by reference, where a pod's status tells another than its name.

    Source: ContainerStatus.imageID; cri-dockerd gives the name by which docker pulled (docker-pullable://HOST/...).
    """
    found = {}
    for pod in pods:
        spec, status = pod.get("spec") or {}, pod.get("status") or {}
        named = {c["name"]: c["image"] for c in [*spec.get("initContainers", []), *spec.get("containers", [])]}
        told = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
        for entry in told:
            image, name = named.get(entry.get("name"), ""), str(entry.get("imageID") or "").rpartition("://")[2]
            # Without a repository it is the digest of a configuration, which tells no place.
            host = registry_of(name) if "@" in name else ""
            if image and host and host != registry_of(image):
                found[image] = host
    return found


def origins(pods: Sequence[Mapping[str, Any]], policy: ImagePolicy) -> list[ImageOrigin]:
    """Return every image that pods run, and where it came from: as a node tells it, else as the policy says."""
    observed = pulled_from(pods)
    return [
        ImageOrigin(name, observed.get(name) or policy.origin_of(name), name in observed)
        for name in running_images(pods)
    ]


def registry_of(name: str) -> str:
    """Return the registry of an image's name, '' for a text that is none."""
    try:
        return Reference.parse(name).registry
    except InvalidReference:
        return ""
