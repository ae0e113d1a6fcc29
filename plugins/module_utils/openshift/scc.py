# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Security context constraints: whether OpenShift admits a pod with those that every user has, restricted-v2.

They give each namespace a range of user ids of its own, and a pod one out of it; a pod that asks for a fixed one is
refused. So on such a cluster pods of ours ask for none.

Sources: openshift/api security/v1 types.go (fields), openshift/apiserver-library-go pkg/securitycontextconstraints
(sccmatching and its strategies: what is not set is filled in, what is set is held against the constraints), and
restricted-v2 as cluster-kube-apiserver-operator's bindata has it.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from ..kube.client.cluster import Cluster
from ..kube.deadline import Deadline
from ..kube.objects import Document

API_VERSION, KIND = "security.openshift.io/v1", "SecurityContextConstraints"
RESTRICTED = "restricted-v2"
_CAPABILITIES = {"NET_BIND_SERVICE"}
_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
_HOST_FIELDS = ("hostNetwork", "hostPID", "hostIPC")
_IDS = ("runAsUser", "runAsGroup", "fsGroup")
_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")


def are_in_force(cluster: Cluster, deadline: Deadline) -> bool:
    """Return whether pods meet constraints here: on OpenShift, OKD and MicroShift."""
    cluster.discovery.ensure(deadline)
    # A group is announced, too, while the API server behind it is away.
    return cluster.discovery.find(API_VERSION, KIND) is not None or API_VERSION in cluster.discovery.stale


def faults(pod: Mapping[str, Any]) -> list[str]:
    """Return why restricted-v2 refuses a pod specification in a namespace whose range is not known; [] if it does not.

    A fixed id is a fault, since no range has it but by chance.
    """
    found = [f"{field} is true" for field in _HOST_FIELDS if pod.get(field)]
    for volume in pod.get("volumes") or []:
        kinds = set(volume) - {"name"} - _VOLUMES
        found += [f"volume {volume['name']} is of the kind {kind}" for kind in sorted(kinds)]
    found += _of_context("pod", pod.get("securityContext") or {})
    for container in _containers(pod):
        found += _of_context(f"container {container['name']}", container.get("securityContext") or {})
        ports = [port["hostPort"] for port in container.get("ports") or [] if port.get("hostPort")]
        found += [f"container {container['name']}: port {port} of the host" for port in ports]
    return found


def without_fixed_ids(document: Document) -> Document:
    """Return a document whose pod, where it has one, leaves its user and groups to the namespace's range."""
    changed = copy.deepcopy(document)
    for pod in pods_in(changed):
        for part in (pod, *_containers(pod)):
            for field in _IDS:
                (part.get("securityContext") or {}).pop(field, None)
    return changed


def pods_in(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the pod specification of a pod, of a workload, or of a Knative service."""
    spec = document.get("spec") or {}
    for holder in (spec, spec.get("template"), (spec.get("jobTemplate") or {}).get("spec", {}).get("template")):
        inner = holder if holder is spec else (holder or {}).get("spec")
        if isinstance(inner, dict) and isinstance(inner.get("containers"), list):
            yield inner


def _containers(pod: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [container for part in _CONTAINERS for container in pod.get(part) or []]


def _of_context(where: str, context: Mapping[str, Any]) -> list[str]:
    found = [f"{where}: {field} is {context[field]}" for field in ("runAsUser", "fsGroup") if field in context]
    found += [f"{where}: {field} is true" for field in ("privileged", "allowPrivilegeEscalation") if context.get(field)]
    added = set((context.get("capabilities") or {}).get("add") or []) - _CAPABILITIES
    found += [f"{where}: capability {name} is added" for name in sorted(added)]
    seccomp = (context.get("seccompProfile") or {}).get("type", "RuntimeDefault")
    if seccomp != "RuntimeDefault":
        found.append(f"{where}: seccompProfile is {seccomp}")
    if context.get("seLinuxOptions"):
        found.append(f"{where}: seLinuxOptions are set")
    if context.get("procMount", "Default") != "Default":
        found.append(f"{where}: procMount is {context['procMount']}")
    return found
