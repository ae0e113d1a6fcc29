# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of the todo application stands on a cluster."""

from __future__ import annotations

from dataclasses import dataclass

from ..kube.client.cluster import Cluster
from ..kube.deadline import Deadline
from ..kube.inventory.owners import owner_references
from ..kube.inventory.ownership import RELEASE_LABEL
from ..kube.objects import Document
from ..openshift.routes import serves_routes

RELEASE = "todo"
LOOK_SECONDS = 30.0
KNATIVE = "serving.knative.dev/v1"
OF_USER = "serving.knative.dev/service=user"


@dataclass(frozen=True)
class Standing:
    """`runs_on` says what runs the services: deployments, knative, both or neither; after an interruption both may be.

    `database` tells whether there is a database; `revisions` are the names of Knative's revisions of user, sorted;
    `routes` tells whether the cluster serves OpenShift's Routes.
    """

    runs_on: list[str]
    database: bool
    revisions: list[str]
    routes: bool


def standing(cluster: Cluster, namespace: str) -> Standing:
    """What there is in `namespace`. Raises KubeError."""
    cluster.discovery.ensure(Deadline(LOOK_SECONDS))
    ours = f"{RELEASE_LABEL}={RELEASE}"
    kinds = {"deployments": ("apps/v1", "Deployment"), "knative": (KNATIVE, "Service")}
    return Standing(
        runs_on=[name for name, kind in kinds.items() if any(map(_is_own, cluster.list(*kind, namespace, ours)))],
        database=cluster.get("apps/v1", "StatefulSet", "database", namespace) is not None,
        revisions=sorted(item["metadata"]["name"] for item in cluster.list(KNATIVE, "Revision", namespace, OF_USER)),
        routes=serves_routes(cluster, Deadline(LOOK_SECONDS)),
    )


def _is_own(item: Document) -> bool:
    """Knative hands our labels on to what it makes; that has an owner."""
    return not owner_references(item)
