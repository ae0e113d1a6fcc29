# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What telling OpenShift's nodes the mirrors amounts to on a cluster: objects, what they do to nodes, what to wait for.

Reads only. Sources: openshift/api config/v1 types_infrastructure.go (controlPlaneTopology External: a hosted control
plane, whose nodes HyperShift sets up from spec.imageContentSources of its HostedCluster), and OpenShift's release notes
4.13.27 and 4.14.3 (since when ImageContentSourcePolicies may stand beside mirror sets).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..images.errors import ImageError
from ..images.policy.policy import ImagePolicy
from ..kube.client.cluster import Cluster
from ..kube.deadline import Deadline
from ..kube.inventory.ownership import release_of
from ..kube.objects import Document
from . import image_config, machine_config_pools, mirror_sets
from .mirror_sets import API_VERSION, DIGEST, FIELDS, POLICY, POLICY_API_VERSION, TAG, Entry

RELEASE = "image-mirrors"
OPTION = "image_prefetch_drain"


@dataclass
class Rollout:
    """What is to be applied as the release RELEASE, and what follows.

    `waits` are targets of the wait action for when nothing was changed, `waits_changed` for when something was.
    `drains` says why nodes are drained, `told` what a user should know, `stands` that there are objects of ours by now,
    `kept` that they must stay for want of OPTION.
    """

    definitions: list[Document] = field(default_factory=list)
    waits: list[dict[str, Any]] = field(default_factory=list)
    waits_changed: list[dict[str, Any]] = field(default_factory=list)
    drains: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    stands: bool = False
    kept: bool = False


def plan_rollout(
    cluster: Cluster, policy: ImagePolicy, images: Iterable[str], may_drain: bool, deadline: Deadline
) -> Rollout:
    """Return what has the nodes take these images (references as they stand in pods) from the policy's mirrors.

    Raises ImageError for what forbids it: nothing is to be written then.
    """
    images = list(images)
    wanted = mirror_sets.entries_of(policy, images)
    if wanted and policy.strict:
        raise ImageError("serverless_images.strict cannot be told to OpenShift's nodes; write strict: false")
    if wanted and is_hosted(cluster, deadline):
        return Rollout(warnings=[_of_hosted(wanted)])
    if wanted and cluster.discovery.look_up(API_VERSION, DIGEST, deadline) is None:
        raise ImageError(
            f"this OpenShift does not serve {DIGEST} of {API_VERSION} (it came with 4.13), by which its nodes are told "
            "mirrors; write serverless_images.mode: rewrite"
        )
    standing = _standing(cluster, deadline)
    ours = mirror_sets.entries_in(one for one in standing if release_of(one) == RELEASE)
    others = mirror_sets.entries_in(one for one in standing if release_of(one) != RELEASE)
    _refuse_conflicts(cluster, wanted, others, standing, deadline)
    definitions = mirror_sets.documents_of(wanted, others)
    after = [*others, *mirror_sets.entries_in(definitions)]
    rollout = Rollout(definitions, told=_told(definitions), stands=bool(ours))
    rollout.drains = mirror_sets.drains([*others, *ours], after)
    rollout.warnings = _warnings(cluster, policy, images, wanted, others, deadline)
    if definitions or ours:
        changes = not mirror_sets.is_told([*others, *ours], after)
        _add_pools(cluster, rollout, changes, deadline)
    if rollout.drains and not may_drain:
        raise ImageError(_not_allowed(rollout))
    return rollout


def plan_removal(cluster: Cluster, may_drain: bool, deadline: Deadline) -> Rollout:
    """Return what follows when our objects go; they stay where that drains nodes and may not."""
    standing = _standing(cluster, deadline)
    ours = mirror_sets.entries_in(one for one in standing if release_of(one) == RELEASE)
    others = mirror_sets.entries_in(one for one in standing if release_of(one) != RELEASE)
    rollout = Rollout(stands=bool(ours))
    if not ours:
        return rollout
    rollout.drains = mirror_sets.drains([*others, *ours], others)
    if rollout.drains and not may_drain:
        rollout.kept = True
        rollout.warnings = [
            f"{' and '.join(FIELDS)} {mirror_sets.NAME} stay, for OpenShift drains nodes when they go. Remove them by "
            f"a run with {OPTION}: true"
        ]
        return rollout
    _add_pools(cluster, rollout, not mirror_sets.is_told([*others, *ours], others), deadline)
    return rollout


def is_hosted(cluster: Cluster, deadline: Deadline) -> bool:
    """Return whether the control plane runs elsewhere, so that no Machine Config Operator is here."""
    found = cluster.get(API_VERSION, "Infrastructure", "cluster", deadline=deadline) or {}
    return (found.get("status") or {}).get("controlPlaneTopology") == "External"


def may_stand_together(version: str) -> bool:
    """Return whether an OpenShift takes mirror sets beside ImageContentSourcePolicies; True without a version."""
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    if not found:
        return True
    major, minor, patch = map(int, found.groups())
    return (major, minor) >= (4, 15) or (minor, patch) >= {13: (13, 27), 14: (14, 3)}.get(minor, (minor, patch + 1))


def _standing(cluster: Cluster, deadline: Deadline) -> list[Document]:
    """All objects on the cluster that tell nodes mirrors; lists do not say the kind of each item."""
    kinds = [(API_VERSION, DIGEST), (API_VERSION, TAG), (POLICY_API_VERSION, POLICY)]
    return [
        {**item, "apiVersion": api_version, "kind": kind}
        for api_version, kind in kinds
        for item in cluster.list(api_version, kind, deadline=deadline)
    ]


def _refuse_conflicts(
    cluster: Cluster, wanted: list[Entry], others: list[Entry], standing: list[Document], deadline: Deadline
) -> None:
    found = mirror_sets.conflicts(wanted, others)
    if found:
        lines = "\n".join(found)
        raise ImageError(
            "OpenShift's Machine Config Operator would refuse all mirrors of the cluster, those of others too:\n"
            f"{lines}\nList the origin among the mirrors in serverless_images.mirrors, or take it out, or write "
            "serverless_images.mode: rewrite"
        )
    old = [one["metadata"]["name"] for one in standing if one["kind"] == POLICY]
    version = _version(cluster, deadline) if wanted and old else ""
    if version and not may_stand_together(version):
        raise ImageError(
            f"OpenShift {version} takes no mirror sets beside ImageContentSourcePolicies, and there are "
            f"{', '.join(old)}. Convert those (oc adm migrate icsp), upgrade to 4.13.27, 4.14.3 or later, or write "
            "serverless_images.mode: rewrite"
        )


def _version(cluster: Cluster, deadline: Deadline) -> str:
    found = cluster.get(API_VERSION, "ClusterVersion", "version", deadline=deadline) or {}
    return str(((found.get("status") or {}).get("desired") or {}).get("version") or "")


def _told(definitions: list[Document]) -> list[str]:
    lines = []
    for document in definitions:
        sources = [entry["source"] for entry in document["spec"][FIELDS[document["kind"]]]]
        lines.append(f"{document['kind']} {document['metadata']['name']}: mirrors of {len(sources)} repositories")
    return lines


def _warnings(
    cluster: Cluster,
    policy: ImagePolicy,
    images: list[str],
    wanted: list[Entry],
    others: list[Entry],
    deadline: Deadline,
) -> list[str]:
    if not wanted:
        return []
    found = cluster.get(API_VERSION, "Image", "cluster", deadline=deadline) or {}
    name = image_config.trusted_config_map(found)
    authorities = cluster.get("v1", "ConfigMap", name, image_config.NAMESPACE, deadline) if name else None
    hosts = {mirror.partition("/")[0] for entry in wanted for mirror in entry.mirrors}
    lines = [
        f"nodes cannot pull from a mirror as things stand: {line}"
        for line in image_config.lacking(policy, hosts, found, ((authorities or {}).get("data") or {}).keys())
    ]
    lines += [f"mirrors of others: {line}" for line in mirror_sets.overlaps(wanted, others)]
    early = mirror_sets.early_origins(policy, images)
    if early:
        lines.append(f"OpenShift's nodes ask an origin last, wherever it is listed: {', '.join(early)}")
    return lines


def _add_pools(cluster: Cluster, rollout: Rollout, changes: bool, deadline: Deadline) -> None:
    """Add what to wait for. Raises ImageError where a change could not come to its end."""
    pools = cluster.list(machine_config_pools.API_VERSION, machine_config_pools.KIND, deadline=deadline)
    broken = machine_config_pools.degraded(pools) if changes else []
    if broken:
        lines = "\n".join(broken)
        raise ImageError(f"nodes cannot be told mirrors, because what OpenShift was told before failed:\n{lines}")
    rollout.waits = machine_config_pools.updated_waits(pools, False)
    rollout.waits_changed = machine_config_pools.updated_waits(pools, changes)
    paused = [pool["metadata"]["name"] for pool in pools if machine_config_pools.is_paused(pool)]
    if paused and changes:
        rollout.warnings.append(f"MachineConfigPools are paused, so their nodes are told nothing: {', '.join(paused)}")
    names = ", ".join(pool["metadata"]["name"] for pool in pools if pool["metadata"]["name"] not in paused)
    if changes and names:
        effect = (
            f"drains their nodes one after the other, because {'; '.join(rollout.drains[:3])}"
            f"{' …' if len(rollout.drains) > 3 else ''}"
            if rollout.drains
            else "has CRI-O read its settings anew, without draining nodes"
        )
        rollout.told.append(f"OpenShift tells it the MachineConfigPools {names}, and {effect}; no node is rebooted")


def _of_hosted(wanted: list[Entry]) -> str:
    sources = ", ".join(sorted({entry.source for entry in wanted}))
    return (
        "the control plane of this OpenShift is hosted, so nothing on the cluster itself tells its nodes mirrors. See "
        "that spec.imageContentSources of its HostedCluster has those of serverless_images (for references by digest), "
        f"or write serverless_images.mode: rewrite. Until then nodes pull from the origins: {sources}"
    )


def _not_allowed(rollout: Rollout) -> str:
    return (
        "telling OpenShift's nodes the mirrors of serverless_images drains nodes, one after the other in each "
        f"MachineConfigPool ({'; '.join(rollout.drains[:5])}{' …' if len(rollout.drains) > 5 else ''}). Write "
        f"{OPTION}: true to have it so, or serverless_images.mode: rewrite, which changes the references and no node"
    )
