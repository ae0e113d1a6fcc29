# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Known traps on the way of an image to a pod, found in facts that others gathered; nothing is asked here.

A wrong architecture is found by the planner and by fetching (Reason.PLATFORM), with what the registry has; not here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..reference.reference import Reference
from .containerd_config import config_path
from .crio_registries import registries_files, short_names
from .docker_daemon import docker_mirrors
from .facts import Container, Disk, Facts, Finding, TagResolution
from .k3s_registries import k3s_registries

# What Knative takes where config-deployment says nothing (serving, pkg/deployment/config.go); a value replaces it.
SKIPPED_BY_DEFAULT = "kind.local,ko.local,dev.local"
_SKIPPING = "registries-skipping-tag-resolving"
_HUB = "docker.io"
_SHOWN = 3  # pods in one message


def diagnose(facts: Facts) -> list[Finding]:
    """Return all that is found in what is known. Raises InvalidReference for a name that is no image reference."""
    found: list[Finding] = []
    for node, config in (facts.containerd or {}).items():
        found += config_path(node, config)
    for node, config in (facts.docker or {}).items():
        found += docker_mirrors(node, config, facts.images or (), facts.plain, facts.docker_versions.get(node, 0))
    for node, files in (facts.crio or {}).items():
        found += registries_files(node, files, facts.images or (), facts.mirrored)
        found += short_names(node, files, facts.short or ())
    for node, registries in (facts.k3s or {}).items():
        found += k3s_registries(node, registries, facts.sources)
    if facts.containers is not None and facts.preloaded is not None:
        found += always_pulled(facts.containers, facts.preloaded)
    for disk in facts.disks or ():
        found += disk_pressure(disk)
    found += tag_resolution(facts.tags) if facts.tags else []
    return found + refused(facts.pods or {})


def text(findings: Iterable[Finding]) -> str:
    """Return findings for people, two lines each; '' for none."""
    return "\n".join(f"{item.where}: {item.message}\n  {item.remedy}" for item in findings)


def always_pulled(containers: Iterable[Container], preloaded: Iterable[str]) -> list[Finding]:
    """Look for containers that have the registry asked at every start although their image is there.

    Source: Kubernetes, concepts/containers/images: without a policy, the tag latest or none means Always.
    """
    there = {str(Reference.parse(name)) for name in preloaded}
    found = []
    for item in containers:
        image = Reference.parse(item.image)
        policy = item.policy or ("Always" if image.tag == "latest" and not image.digest else "IfNotPresent")
        if policy == "Always" and str(image) in there:
            message = f"container {item.name} has {item.image} pulled Always; without the registry it does not start"
            remedy = "Set imagePullPolicy: IfNotPresent, or give the image another tag than latest if none is set."
            found.append(Finding("pull policy", item.owner, message, remedy))
    return found


def disk_pressure(disk: Disk) -> list[Finding]:
    """Look whether the kubelet removes unused images, and so preloaded ones, now or after what is to come.

    Source: kubelet, image_gc_manager.go: it does at used >= threshold, used being what is not available.
    """
    found = []
    if disk.pressure:
        message = "the condition DiskPressure holds: the kubelet removes images that no pod uses, and evicts pods"
        remedy = "Free space on the node's disk before images are brought there."
        found.append(Finding("disk", f"node {disk.node}", message, remedy))
    if disk.capacity <= 0:
        return found
    after = disk.capacity - disk.available + disk.to_come
    limit = round(disk.threshold * disk.capacity)
    if after >= limit:
        message = (
            f"{after} of {disk.capacity} bytes ({after / disk.capacity:.0%}) are used with the {disk.to_come} bytes to"
            f" come; from {disk.threshold:.0%} the kubelet removes images that no pod uses, preloaded ones too"
        )
        # One byte more than what is above: at the threshold itself it begins.
        remedy = f"Free {after - limit + 1} bytes, or raise imageGCHighThresholdPercent of the kubelet."
        found.append(Finding("disk", f"node {disk.node}", message, remedy))
    return found


def tag_resolution(tags: TagResolution) -> list[Finding]:
    """Look for registries that Knative's controller asks itself, past the mirrors of the nodes.

    Source: knative serving, pkg/reconciler/revision/resolve.go; references are read by go-containerregistry, which
    calls Docker Hub index.docker.io.
    """
    listed = SKIPPED_BY_DEFAULT if tags.skipping is None else tags.skipping
    skipped = [part.strip() for part in listed.split(",") if part.strip()]
    images = map(Reference.parse, tags.images)
    asked = {image.registry for image in images if not image.digest} - tags.reachable
    lacking = [host for host in sorted(map(_as_knative, asked)) if host not in skipped]
    if not lacking:
        return []
    message = f"tags of {', '.join(lacking)} are resolved by the controller itself; mirrors on nodes do not serve it"
    option = ", ".join(f"'{host}'" for host in lacking)
    remedy = (
        f"Name images by digest, or add to knative_skip_tag_resolving: [{option}], which sets in its data: "
        f'{_SKIPPING}: "{",".join([*skipped, *lacking])}"'
    )
    return [Finding("tag resolution", "ConfigMap knative-serving/config-deployment", message, remedy)]


def refused(pods: Mapping[str, Iterable[str]]) -> list[Finding]:
    """Tell which pods use registries that the nodes are about to refuse; `pods` has their names by registry."""
    found = []
    for registry, names in sorted(pods.items()):
        names = sorted(set(names))
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        message = (
            f"serverless_images.strict refuses {registry}, which {', '.join(names[:_SHOWN])}{more} use; "
            "their images stay, but cannot be pulled again"
        )
        remedy = f"Add {registry}: [{registry}] to serverless_images.mirrors to allow it, or write strict: false."
        found.append(Finding("strict", "pods", message, remedy))
    return found


def _as_knative(host: str) -> str:
    return "index.docker.io" if host == _HUB else host
