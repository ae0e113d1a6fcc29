# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has the kubelets pull the planned images; documented in plugins/modules/image_prepull.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import ImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.prepull import (
    SECRET,
    lacking,
    mounted_waits,
    prepull_documents,
    pulled_waits,
    told_waits,
    volumes_known,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.scc import (
    are_in_force,
    without_fixed_ids,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.node_kinds import passed_over, treatment
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import ClusterAction

_SECONDS = 60


class ActionModule(ClusterAction):
    """Reads the cluster and changes nothing; the role applies what it returns."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return the documents, and what the nodes lack."""
        cluster, _progress = self.connect(args)
        version, nodes = cluster.get_path("/version")["gitVersion"], cluster.list("v1", "Node")
        if not any(treatment(node).prepulled for node in nodes):
            others = ", ".join(passed_over(nodes, "prepulled"))
            raise ImageError(
                f"no node of Linux has a kubelet that could pull images ({others}); "
                "write image_prefetch_delivery: references"
            )
        by = args["by"]
        if by == "auto":
            by = "volumes" if volumes_known(version, nodes) else "containers"
        rows = [row for row in args["plan"] if row["prefetch"]]
        holders = [row["delivered"] for row in rows if args["holder"] in (row["image"], row["delivered"])]
        if not holders:
            raise ImageError(f"the image {args['holder']}, which holds the volumes, is not in the plan")
        images = [row["delivered"] for row in rows]
        logins = {
            host: {"username": settings.username, "password": dict(settings.password)}
            for host, settings in ImagePolicy.from_config(args["images"]).registries.items()
            if settings.username
        }
        space = args["namespace"]
        documents = prepull_documents(images, by, holders[0], space, bool(logins), nodes)
        if are_in_force(cluster, Deadline(_SECONDS)):
            documents = [without_fixed_ids(document) for document in documents]
        for name in passed_over(nodes, "awaited"):
            self.tell(f"not waited for: {name}")
        return {
            "changed": False,
            "by": by,
            "definitions": documents,
            "wait": _waits(by, documents, nodes, images),
            "secrets": [{"name": SECRET, "namespace": space, "docker_config": logins}] if logins else [],
            "lacking": lacking(nodes, images),
        }


def _waits(
    by: str, documents: list[dict[str, Any]], nodes: list[dict[str, Any]], images: list[str]
) -> list[dict[str, Any]]:
    if by == "volumes":
        return mounted_waits(documents, nodes)
    # Nothing of the pods is left for a next run to find, so nodes must have told the images.
    return pulled_waits(documents, nodes) + told_waits(nodes, images)
