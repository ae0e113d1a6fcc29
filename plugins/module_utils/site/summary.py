# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text at the end of a run: what stands on a cluster, how to open it, how to remove it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ..images.errors import InvalidReference
from ..images.policy.policy import ImagePolicy
from ..images.reference.reference import Reference
from .commands import kubectl

# containerd and CRI-O keep no record of the mirror that gave an image; docker does, in the image's ID
_NOT_OBSERVED = "  (observed: a node tells it; configured: it is what the image policy says, no node tells otherwise)"
CLUSTER_LOCAL = "networking.knative.dev/visibility"


@dataclass(frozen=True)
class InstalledRelease:
    """One release of ours: its name, its version (may be empty) and how many objects belong to it."""

    name: str
    version: str
    objects: int


@dataclass(frozen=True)
class Summary:
    """All that the text is made of. `images` are (reference, where it came from); `hosts` the public host names.

    `gateway` is where these are reached, as host:port; `at_nodes` what is reached at a port of the nodes, the same way.
    `kubeconfig` is that of the context, where it is not the usual one.
    """

    context: str
    server: str
    kind: str
    nodes: int
    releases: Sequence[InstalledRelease] = ()
    images: Sequence[tuple[str, str]] = ()
    hosts: Sequence[str] = ()
    gateway: str | None = None
    at_nodes: Sequence[str] = ()
    remove: Sequence[str] = field(default_factory=tuple)
    kubeconfig: str = ""

    def lines(self) -> list[str]:
        """Return the text, one entry a line."""
        text = [
            f"Context {self.context}: Kubernetes {self.server} ({self.kind}, {count(self.nodes, 'node')})",
            "",
            "Installed:",
        ]
        text += [
            f"  {release.name:20} {release.version or '-':28} {count(release.objects, 'object')}"
            for release in self.releases
        ] or ["  nothing of this collection"]
        if self.images:
            width = max(len(reference) for reference, _via in self.images)
            text += ["", "Images:", _NOT_OBSERVED] + [
                f"  {reference:{width}}  from {via}" for reference, via in self.images
            ]
        text += ["", "Open:", *self._how_to_open(), "", "Remove it all:", *(f"  {line}" for line in self.remove)]
        return text

    def _how_to_open(self) -> list[str]:
        text = [f"  http://{address}/" for address in self.at_nodes]
        if not self.hosts:
            return text or ["  no public service is installed"]
        if not self.gateway:
            command = kubectl(self.context, self.kubeconfig)
            return [
                *text,
                "  the gateway has no address outside the cluster; forward a port first:",
                f"  {command} -n istio-system port-forward service/istio-ingressgateway 8080:80",
            ]
        address, _colon, port = self.gateway.rpartition(":")
        shown_port = "" if port == "80" else f":{port}"
        for host in self.hosts:
            text += [
                f"  http://{host}{shown_port}/   with this line in /etc/hosts:  {address} {host}",
                f"  or without it:  curl -H 'Host: {host}' http://{self.gateway}/",
            ]
        return text


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


def origins(pods: Sequence[Mapping[str, Any]], policy: ImagePolicy) -> list[tuple[str, str]]:
    """Return every image that pods run, and where it came from: as a node tells it, else as the policy says."""
    observed = pulled_from(pods)
    return [
        (name, f"{observed[name]} (observed)" if name in observed else f"{policy.origin_of(name)} (configured)")
        for name in running_images(pods)
    ]


def registry_of(name: str) -> str:
    """Return the registry of an image's name, '' for a text that is none."""
    try:
        return Reference.parse(name).registry
    except InvalidReference:
        return ""
