# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell what stands on a cluster; documented in plugins/modules/site_report.py."""

from __future__ import annotations

from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.ownership import (
    MANAGED_BY,
    MANAGED_BY_LABEL,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.store import read_inventories
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.cluster_facts import cluster_facts
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.gateway import gateway_address, node_host
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.summary import (
    InstalledRelease,
    Summary,
    mesh_hosts,
    node_addresses,
    origins,
    public_hosts,
)
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import (
    LOOK_SECONDS,
    RECORD_NAMESPACE,
    ClusterAction,
)


class ActionModule(ClusterAction):
    """Reads the cluster, and gives up the lock of the run."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Print the summary and return it as lines and as data. It ends a run, and so the run's lock."""
        cluster, progress = self.connect(args)
        if not check:
            self.run_lock(cluster, progress).give_up(Deadline(LOOK_SECONDS))
        summary = _summary(cluster, args)
        lines = summary.lines()
        self.show(lines)
        return {
            "changed": False,
            "lines": lines,
            "releases": {release.name: release.version for release in summary.releases},
            "hosts": list(summary.hosts),
            "gateway": summary.gateway or "",
            "at_nodes": list(summary.at_nodes),
        }


def _summary(cluster: Cluster, args: dict[str, Any]) -> Summary:
    nodes = cluster.list("v1", "Node")
    facts = cluster_facts(cluster.get_path("/version")["gitVersion"], nodes)
    gateway = args["gateway"]
    service = cluster.get("v1", "Service", gateway["name"], gateway["namespace"])
    in_mesh = _ours(cluster, "networking.istio.io/v1", "VirtualService")
    # The gateway's own Service is told with the hosts behind it
    others = [item for item in _ours(cluster, "v1", "Service") if item["metadata"]["name"] != gateway["name"]]
    return Summary(
        context=args["context"],
        server=facts.version,
        kind=facts.kind,
        nodes=facts.nodes,
        releases=_releases(cluster),
        images=_images(cluster, args["images"]),
        hosts=public_hosts(cluster.list("serving.knative.dev/v1", "Service")) + mesh_hosts(in_mesh),
        gateway=args["gateway_address"] or gateway_address(service, nodes),
        at_nodes=node_addresses(others, args["node_address"] or node_host(nodes)),
        remove=args["remove"],
        kubeconfig=args["kubeconfig"] or "",
    )


def _ours(cluster: Cluster, api_version: str, kind: str) -> list[dict[str, Any]]:
    """What we applied; controllers hand our labels on to what they make, but that has an owner."""
    items = cluster.list(api_version, kind, label_selector=f"{MANAGED_BY_LABEL}={MANAGED_BY}")
    return [item for item in items if not item["metadata"].get("ownerReferences")]


def _releases(cluster: Cluster) -> list[InstalledRelease]:
    inventories = read_inventories(cluster, RECORD_NAMESPACE, Deadline(LOOK_SECONDS))
    return [InstalledRelease(one.release, one.version, len(one.entries)) for one in inventories]


def _images(cluster: Cluster, config: dict[str, Any]) -> list[tuple[str, str]]:
    """Every image that pods run, with the place it was seen to come from, else the one that the policy says."""
    return origins(cluster.list("v1", "Pod"), ImagePolicy.from_config(config))
