# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a cluster is OpenShift, by what its API serves, and which version it has.

Labels of nodes and names of contexts are anybody's to give; the kinds that a server has are not. Sources:
github.com/openshift/api (config.openshift.io ClusterVersion, route.openshift.io, security.openshift.io), MicroShift's
assets (Routes and SecurityContextConstraints without config.openshift.io; ConfigMap kube-public/microshift-version).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ..kube.client.cluster import Cluster
from ..kube.deadline import Deadline
from ..kube.errors import ApiError
from ..kube.objects import Document

OPENSHIFT, MICROSHIFT = "openshift", "microshift"
Kind = tuple[str, str]  # API version and kind
CLUSTER_VERSION: Kind = ("config.openshift.io/v1", "ClusterVersion")
ROUTE: Kind = ("route.openshift.io/v1", "Route")
CONSTRAINTS: Kind = ("security.openshift.io/v1", "SecurityContextConstraints")
KINDS = (CLUSTER_VERSION, ROUTE, CONSTRAINTS)


@dataclass(frozen=True)
class OpenShift:
    """`flavour` is openshift, microshift, or '' for another cluster; `has_routes` tells whether Routes are served.

    `version` is OpenShift's own, such as 4.20.3, and '' where it may not be read.
    """

    flavour: str = ""
    has_routes: bool = False
    version: str = ""


def detect(served: Collection[Kind]) -> OpenShift:
    """What a cluster is that serves these kinds; those of KINDS count.

    Routes alone are no OpenShift: their CRD may be installed anywhere, for programs that know no other ingress.
    """
    has_routes = ROUTE in served
    if CLUSTER_VERSION in served:
        return OpenShift(OPENSHIFT, has_routes)
    return OpenShift(MICROSHIFT if has_routes and CONSTRAINTS in served else "", has_routes)


def version_of(cluster_version: Document | None) -> str:
    """The version of a ClusterVersion: the last that was completed, else the one that is wanted; '' without."""
    status = (cluster_version or {}).get("status") or {}
    completed = [item for item in status.get("history") or [] if item.get("state") == "Completed"]
    return str((completed[0] if completed else status.get("desired") or {}).get("version") or "")


def openshift_of(cluster: Cluster, deadline: Deadline) -> OpenShift:
    """What a cluster is, and its version as far as the user may read it. Raises KubeError."""
    discovery = cluster.discovery
    discovery.ensure(deadline)
    # A group is announced, too, while the API server behind it is away.
    found = detect([kind for kind in KINDS if discovery.find(*kind) or kind[0] in discovery.stale])
    if not found.flavour:
        return found
    try:
        return OpenShift(found.flavour, found.has_routes, _version(cluster, found.flavour, deadline))
    except ApiError as error:
        if error.status != 403:
            raise
        return found


def _version(cluster: Cluster, flavour: str, deadline: Deadline) -> str:
    if flavour == OPENSHIFT:
        return version_of(cluster.get(*CLUSTER_VERSION, "version", deadline=deadline))
    told = cluster.get("v1", "ConfigMap", "microshift-version", "kube-public", deadline)
    return str(((told or {}).get("data") or {}).get("version") or "")
