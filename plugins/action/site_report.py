# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell what stands on a cluster; documented in plugins/modules/site_report.py."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible import constants as C
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.plan.lock import Lock, LockError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.owners import owner_references
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.ownership import (
    MANAGED_BY,
    MANAGED_BY_LABEL,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.store import read_inventories
from ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.detection import openshift_of
from ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.routes import route_address, routes_of
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.document import SITE
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.files import RUN_PAGE
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.images import digest_and_size, locked_images
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.journal import Journal
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.steps import steps_of
from ansible_collections.selfhosted.serverless.plugins.module_utils.report.this_run import told
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.cluster_facts import cluster_facts
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.gateway import node_host
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.node_kinds import architectures_of
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.platform.exposure import Around
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.platform.from_here import exposure_from_here
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.summary import (
    ImageOrigin,
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
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.image_policy import lock_path
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.run_journal import absolute


class ActionModule(ClusterAction):
    """Reads the cluster, and gives up the lock of the run."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Print the summary and return it as lines and as data. It ends a run, and so the run's lock."""
        cluster, progress = self.connect(args)
        if not check:
            self.run_lock(cluster, progress).give_up(Deadline(LOOK_SECONDS))
        nodes, pods = cluster.list("v1", "Node"), cluster.list("v1", "Pod")
        policy = ImagePolicy.from_config(args["images"])
        directory = absolute(args["directory"])
        images, run = origins(pods, policy), self._this_run(check)
        summary = _summary(cluster, args, nodes, images, run, directory, self.leads_to_lab(args))
        self._site = self._described(summary, args, directory, architectures_of(nodes), policy)
        lines = summary.lines(args["list_images"])
        self.show(lines)
        return {
            "changed": False,
            "lines": lines,
            "releases": {release.name: release.version for release in summary.releases},
            "hosts": list(summary.hosts),
            "gateway": summary.address,
            "gateway_rung": str(summary.gateway.rung) if summary.gateway else "",
            "at_nodes": list(summary.at_nodes),
        }

    def notes(self, args: dict[str, Any], done: dict[str, Any]) -> dict[str, Any]:
        """Return all that the report of the run has of the site."""
        return {SITE: self._site}

    def _this_run(self, check: bool) -> str:
        """Return in a few words what the run has done to the context until now."""
        host = str(self.variables.get("inventory_hostname", "localhost"))
        records = Journal(C.DEFAULT_LOCAL_TMP, host).read()
        if not records:
            return ""
        return told(steps_of(records, records[0]["at"], time.monotonic(), over=False), check)

    def _described(
        self, summary: Summary, args: dict[str, Any], directory: str, architectures: list[str], policy: ImagePolicy
    ) -> dict[str, Any]:
        locked = locked_images(self._lock(args), policy)
        images = []
        for origin in summary.images:
            digest, size = digest_and_size(origin.image, locked, architectures)
            images.append({"image": origin.image, "from": origin.place, "observed": origin.observed})
            images[-1] |= {"digest": digest, "size": size}
        return {
            "directory": directory,
            "context": summary.context,
            "cluster": {"version": summary.server, "kind": summary.kind, "nodes": summary.nodes}
            | ({"openshift": summary.openshift} if summary.openshift else {}),
            "releases": [asdict(release) for release in summary.releases],
            "images": images,
            "addresses": {
                "gateway": summary.address,
                "hosts": list(summary.hosts),
                "at_nodes": list(summary.at_nodes),
                "urls": summary.urls(),
                "how": [line.strip() for line in summary.how_to_open()],
            },
            "facts": args["facts"],
            "commands": {"verify": args["verify"], "remove": args["remove"]},
        }

    def _lock(self, args: dict[str, Any]) -> Lock:
        path = lock_path(args["images"], self.variables)
        try:
            return Lock.read(Path(path).expanduser()) if path else Lock()
        except LockError as error:
            self.warn(str(error))
            return Lock()


def _summary(
    cluster: Cluster,
    args: dict[str, Any],
    nodes: list[dict[str, Any]],
    images: list[ImageOrigin],
    run: str,
    directory: str,
    is_lab: bool,
) -> Summary:
    openshift = openshift_of(cluster, Deadline(LOOK_SECONDS))
    facts = cluster_facts(cluster.get_path("/version")["gitVersion"], nodes, openshift, is_lab)
    gateway = args["gateway"]
    service = cluster.get("v1", "Service", gateway["name"], gateway["namespace"])
    route = route_address(routes_of(cluster, gateway["namespace"], Deadline(LOOK_SECONDS)), gateway["name"])
    in_mesh = _ours(cluster, "networking.istio.io/v1", "VirtualService")
    hosts = public_hosts(cluster.list("serving.knative.dev/v1", "Service")) + mesh_hosts(in_mesh)
    around = Around(service, nodes, args["gateway_address"], args["node_address"], route)
    # The gateway's own Service is told with the hosts behind it
    others = [item for item in _ours(cluster, "v1", "Service") if item["metadata"]["name"] != gateway["name"]]
    return Summary(
        context=args["context"],
        server=facts.version,
        kind=facts.kind,
        nodes=facts.nodes,
        openshift=facts.openshift,
        releases=_releases(cluster),
        images=images,
        hosts=hosts,
        # Without a page behind it nobody wants to know where the gateway is.
        gateway=exposure_from_here(around) if hosts or around.told else None,
        gateway_service=f"{gateway['namespace']}/{gateway['name']}",
        at_nodes=node_addresses(others, args["node_address"] or node_host(nodes)),
        remove=args["remove"],
        kubeconfig=args["kubeconfig"] or "",
        run=run,
        facts=args["facts"],
        verify=args["verify"],
        report=str(Path(directory, RUN_PAGE)) if directory else "",
    )


def _ours(cluster: Cluster, api_version: str, kind: str) -> list[dict[str, Any]]:
    """What we applied; controllers hand our labels on to what they make, but that has an owner."""
    items = cluster.list(api_version, kind, label_selector=f"{MANAGED_BY_LABEL}={MANAGED_BY}")
    return [item for item in items if not owner_references(item)]


def _releases(cluster: Cluster) -> list[InstalledRelease]:
    inventories = read_inventories(cluster, RECORD_NAMESPACE, Deadline(LOOK_SECONDS))
    return [InstalledRelease(one.release, one.version, len(one.entries)) for one in inventories]
