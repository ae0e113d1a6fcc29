# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check node settings on the way of images to pods; documented in plugins/modules/image_diagnose.py."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.content.rendered import read_rendered
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.cluster_facts import (
    containers_of,
    disk_of,
    pods_refused,
    short_of,
    tags_of,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.facts import (
    ContainerdConfig,
    Disk,
    Facts,
    TextFile,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.node_facts import (
    containerd_config,
    crio_registries,
    docker_config,
    docker_version,
    k3s_registries_file,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.traps import diagnose, text
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.containerd import ContainerdNode
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.containerd_hosts import by_name
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.crio import CrioNode
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.docker import DockerNode
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.node import NodeError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.runtimes import node_from_config
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.settings import is_loopback
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import KubeError
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.node_kinds import NodeKind, is_apart, node_kind
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import ClusterAction
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.image_nodes import find_delivery

_SECONDS = 10  # for one answer of a kubelet
_KUBELETS = 8  # asked at a time


@dataclass
class _Runtimes:
    """How the runtimes of the nodes are configured, by node."""

    containerd: dict[str, ContainerdConfig] = field(default_factory=dict)
    docker: dict[str, str] = field(default_factory=dict)
    docker_versions: dict[str, int] = field(default_factory=dict)
    crio: dict[str, dict[str, str]] = field(default_factory=dict)
    k3s: dict[str, TextFile] = field(default_factory=dict)


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
                self.warn(f"{item.where}: {item.message}", item.remedy)
        if fatal:
            remark = "\nNothing was changed. image_prefetch_diagnose: false goes on all the same."
            return {**result, "failed": True, "msg": text(fatal) + remark}
        return result

    def _facts(self, args: dict[str, Any], policy: ImagePolicy) -> Facts:
        cluster, _progress = self.connect(args)
        rows = [row for row in args["plan"] if row["prefetch"]] if args["pull"] else []
        documents = [document for path in args["manifests"] for document in read_rendered(path)]
        # Definitions of kinds are most of what there is, and have no containers
        documents = [
            one for one in documents if isinstance(one, dict) and one.get("kind") != "CustomResourceDefinition"
        ]
        runtimes = self._runtimes(args, cluster)
        from_afar = tuple(row["image"] for row in args["plan"] if policy.mode == "runtime" and row["rule"] != "origin")
        return Facts(
            containerd=runtimes.containerd,
            docker=runtimes.docker,
            docker_versions=runtimes.docker_versions,
            crio=runtimes.crio,
            k3s=runtimes.k3s,
            images=from_afar,
            short=short_of(documents, policy),
            sources=_sources(policy),
            mirrored=tuple(policy.mirrors) if policy.mode == "runtime" else (),
            plain=_plain(args["plan"], policy),
            containers=containers_of(documents, policy),
            preloaded=tuple(row["image"] for row in rows),
            disks=self._disks(cluster, rows),
            tags=tags_of(documents, policy),
            pods=pods_refused(cluster.list("v1", "Pod"), policy) if policy.strict else None,
        )

    def _runtimes(self, args: dict[str, Any], cluster: Cluster) -> _Runtimes:
        found = _Runtimes()
        for node in map(node_from_config, find_delivery(args, lambda: cluster).nodes):
            name = node.name
            if isinstance(node, ContainerdNode):
                config = self._ask(f"{name}, containerd's configuration", lambda one=node: containerd_config(one))
                if config:
                    found.containerd[name] = config
                elif config is None:
                    self.unknown.append(f"{name}: there is no {node.config}; `config` of the node names another file")
                if file := self._ask(f"{name}, registries.yaml", lambda one=node: k3s_registries_file(one)):
                    found.k3s[name] = file
            elif isinstance(node, DockerNode):
                if text := self._ask(f"{name}, docker's daemon.json", lambda one=node: docker_config(one)):
                    found.docker[name] = text
                    found.docker_versions[name] = self._ask(
                        f"{name}, docker's version", lambda one=node: docker_version(one)
                    )
            elif isinstance(node, CrioNode):
                if files := self._ask(f"{name}, registries.conf", lambda one=node: crio_registries(one)):
                    found.crio[name] = files
        return found

    def _disks(self, cluster: Cluster, rows: list[dict[str, Any]]) -> tuple[Disk, ...]:
        # A node that tells nothing of itself may have a kubelet to ask all the same.
        asked = (NodeKind.LINUX, NodeKind.VIRTUAL)
        nodes = [node for node in cluster.list("v1", "Node") if node_kind(node) in asked and not is_apart(node)]

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


def _sources(policy: ImagePolicy) -> tuple[str, ...]:
    """Return the registries that containerd is told something of; _default for all others."""
    named = {*by_name(policy), *(policy.mirrors if policy.mode == "runtime" else ())}
    return tuple(sorted({*named, "_default"} if policy.strict else named))


def _plain(rows: list[dict[str, Any]], policy: ImagePolicy) -> tuple[str, ...]:
    """Return the registries that images come from without TLS; docker needs not be told those on loopback."""
    hosts = {Reference.parse(row["from"]).registry for row in rows if row["from"]}
    return tuple(sorted(host for host in hosts if policy.settings(host).scheme == "http" and not is_loopback(host)))


def _get(cluster: Cluster, path: str) -> dict[str, Any]:
    return cluster.transport.call("GET", path, deadline=Deadline(_SECONDS), retry_if=lambda error: False)
