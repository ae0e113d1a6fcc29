# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a node gets an image by the way that the image policy says.

A kubelet is made to ask the registry for an image that its node has (imagePullPolicy: Always): its runtime resolves
the name by the mirrors that it was told, and fetches what it lacks, which is nothing. That the pull succeeds is
observed. Which mirror gave it no runtime but docker tells; where references were rewritten, the name itself does.
"""

from __future__ import annotations

import re
from typing import Any

from ..images.policy.policy import ImagePolicy
from ..kube.errors import KubeError, WaitError
from ..kube.objects import Document
from ..kube.wait.targets import Target
from . import probe
from .facts import Fact, fails, holds, skipped
from .measure import milliseconds, thousandths
from .scene import Scene
from .workspace import Workspace, observed_registry

NAME = "images"
_PULLED = "not_null(status.containerStatuses, `[]`)[?imageID != '']"
_TOOK = re.compile(r"in (\d+(?:\.\d+)?(?:ms|s|m)[\d.ms]*)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}
_SECONDS = 120.0


def ask(scene: Scene, workspace: Workspace) -> Fact:
    """The pull of the image that the probes run, by the event that the kubelet writes of it."""
    trouble = workspace.why_not("pull")
    if trouble:
        return fails(NAME, "no pod was made", trouble, "see why the cluster refuses it")
    image = workspace.image
    policy = ImagePolicy.from_config(scene.settings.images)
    configured = policy.origin_of(image)
    if not scene.settings.pull:
        return skipped(NAME, f"no registry was asked (verify_pull); by configuration {image} is from {configured}")
    if not workspace.asks_registry:
        return skipped(
            NAME, f"docker knows no mirrors, so no pull was made; by configuration {image} is from {configured}"
        )
    target = Target("v1", "Pod", workspace.home, probe.PULL, expression=_PULLED)
    try:
        workspace.await_ready(target, seconds=_SECONDS)
    except WaitError as error:
        remedy = (
            "see that the mirror is there and has it (playbooks/images.yml asks all of them), or, for a site without "
            "any registry, set verify_pull: false"
        )
        return fails(NAME, f"a node does not get {image}", str(error), remedy, image=image, configured=configured)
    live = scene.cluster.get("v1", "Pod", probe.PULL, workspace.home, scene.seconds(10)) or {}
    return _told(scene, workspace, live, configured)


def _told(scene: Scene, workspace: Workspace, live: Document, configured: str) -> Fact:
    image, node = workspace.image, (live.get("spec") or {}).get("nodeName", "")
    seconds = pull_seconds(_messages(scene, workspace.home))
    observed = observed_registry(live, image)
    place = f"{observed} (observed)" if observed else f"{configured} (configured)"
    took = f" in {milliseconds(seconds)}" if seconds is not None else ""
    figures: dict[str, Any] = {"image": image, "node": node, "observed": observed, "configured": configured}
    figures["milliseconds"] = None if seconds is None else thousandths(seconds)
    return holds(NAME, f"node {node} pulled {image}{took} from {place}", **figures)


def pull_seconds(messages: list[str]) -> float | None:
    """How long the pull took, by 'Successfully pulled image "x" in 1m2.5s (...)'; None where it is not said."""
    for message in messages:
        found = _TOOK.search(message)
        if message.startswith("Successfully pulled") and found:
            parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m)", found[1])
            return sum(float(number) * _UNITS[unit] for number, unit in parts)
    return None


def _messages(scene: Scene, home: str) -> list[str]:
    """The messages of the events about the pod's pull; [] where they cannot be read."""
    path = f"/api/v1/namespaces/{home}/events"
    query = {"fieldSelector": f"reason=Pulled,involvedObject.name={probe.PULL}"}
    try:
        answer = scene.cluster.get_path(path, query, scene.seconds(5))
    except KubeError:
        return []
    return [str(item.get("message") or "") for item in answer.get("items") or []]
