# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check node settings on the way of images to pods; documented in plugins/modules/image_diagnose.py."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.content.loading import load_documents
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.cluster_facts import (
    containers_of,
    disk_of,
    pods_refused,
    tags_of,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.facts import (
    ContainerdConfig,
    Disk,
    Facts,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.node_facts import (
    containerd_config,
    docker_config,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.traps import diagnose, text
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.containerd import ContainerdNode
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.containerd_hosts import by_name
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.docker import DockerNode
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.node import NodeError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.runtimes import node_from_config
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import KubeError
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.node_kinds import treatment
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import ClusterAction
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.image_nodes import find_delivery

_SECONDS = 10  # for one answer of a kubelet
_KUBELETS = 8  # asked at a time


class ActionModule(ClusterAction):
    """Asks nodes and the cluster, and changes nothing."""

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return what was found and what could not be asked; fail where mirrors are certain not to be used."""
        policy = ImagePolicy.from_config(args["images"])
        self.unknown: list[str] = []
        found = diagnose(self._facts(args, policy))
        for line in self.unknown:
            self.tell(f"not looked at: {line}")
        result = {"changed": False, "findings": [asdict(item) for item in found], "unknown": self.unknown}
        # Delivery gives containerd its directory by itself, so only what kubelets must pull by it cannot succeed.
        left = policy.mode == "runtime" and policy.mirrors and not args["pull"]
        needed = not args["offline"] and bool(left or policy.strict or by_name(policy))
        fatal = [item for item in found if item.fatal and needed]
        for item in found:
            if item not in fatal:
                self.warn(text([item]))
        if fatal:
            remark = "\nNothing was changed. image_prefetch_diagnose: false goes on all the same."
            return {**result, "failed": True, "msg": text(fatal) + remark}
        return result

    def _facts(self, args: dict[str, Any], policy: ImagePolicy) -> Facts:
        cluster, _progress = self.connect(args)
        rows = [row for row in args["plan"] if row["prefetch"]] if args["pull"] else []
        documents = [document for path in args["manifests"] for document in load_documents(path)]
        documents = [document for document in documents if isinstance(document, dict)]
        containerd, docker = self._runtimes(args, cluster)
        from_afar = tuple(row["image"] for row in args["plan"] if policy.mode == "runtime" and row["rule"] != "origin")
        return Facts(
            containerd=containerd,
            docker=docker,
            images=from_afar,
            containers=containers_of(documents, policy),
            preloaded=tuple(row["image"] for row in rows),
            disks=self._disks(cluster, rows),
            tags=tags_of(documents, policy),
            pods=pods_refused(cluster.list("v1", "Pod"), policy) if policy.strict else None,
        )

    def _runtimes(self, args: dict[str, Any], cluster: Cluster) -> tuple[dict[str, ContainerdConfig], dict[str, str]]:
        containerd: dict[str, ContainerdConfig] = {}
        docker: dict[str, str] = {}
        for node in map(node_from_config, find_delivery(args, lambda: cluster).nodes):
            if isinstance(node, ContainerdNode):
                config = self._ask(f"{node.name}, containerd's configuration", lambda one=node: containerd_config(one))
                if config:
                    containerd[node.name] = config
                elif config is None:
                    self.unknown.append(
                        f"{node.name}: there is no {node.config}; `config` of the node names another file"
                    )
            elif isinstance(node, DockerNode):
                text = self._ask(f"{node.name}, docker's daemon.json", lambda one=node: docker_config(one))
                if text:
                    docker[node.name] = text
        return containerd, docker

    def _disks(self, cluster: Cluster, rows: list[dict[str, Any]]) -> tuple[Disk, ...]:
        nodes = [node for node in cluster.list("v1", "Node") if treatment(node).delivered]

        def disk(node: dict[str, Any]) -> Disk | None:
            path = f"/api/v1/nodes/{node['metadata']['name']}/proxy"
            summary, kubelet = (_get(cluster, f"{path}/{name}") for name in ("stats/summary", "configz"))
            return disk_of(node, summary, kubelet, rows)

        with ThreadPoolExecutor(_KUBELETS) as pool:
            found = pool.map(lambda node: self._ask(f"{node['metadata']['name']}, disk", lambda: disk(node)), nodes)
            return tuple(item for item in found if item)

    def _ask(self, what: str, question: Callable[[], Any]) -> Any:
        """Return the answer, False where none was to be had, which is told and no reason to stop."""
        try:
            return question()
        except (KubeError, NodeError) as error:
            self.unknown.append(f"{what}: {error}")
            return False


def _get(cluster: Cluster, path: str) -> dict[str, Any]:
    return cluster.transport.call("GET", path, deadline=Deadline(_SECONDS), retry_if=lambda error: False)
