# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents through the image gate, as far as that needs registries and the cluster's nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.choice import choose
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.cluster_nodes import architectures_of
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.lock import Lock
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.mapping import Gate
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.rewrite import rewrite_documents, undecided
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.cluster import Cluster

_LOCK = "images.lock.yml"


def lock_path(images: Mapping[str, Any] | None, task_vars: Mapping[str, Any]) -> str:
    """Return the lock file of a gate's configuration, beside the inventory unless it says otherwise; '' for none."""
    named = (images or {}).get("lock")
    if named is not None:
        return str(named)
    directory = task_vars.get("inventory_dir")
    return str(Path(directory, _LOCK)) if directory else ""


def through_gate(
    documents: list[dict[str, Any]],
    images: Mapping[str, Any],
    cluster: Cluster,
    lock: str,
    tell: Callable[[str], None],
) -> list[dict[str, Any]]:
    """Return the documents with their image references as the gate says.

    Registries and nodes are asked only in mode rewrite, and only for images with several places. Raises ImageError and
    KubeError.
    """
    gate = Gate.from_config(images)
    wanted = undecided(documents, gate)
    if not wanted:
        return rewrite_documents(documents, gate)
    architectures = architectures_of(cluster.list("v1", "Node"))
    answers = choose(wanted, gate, architectures, Lock.read(Path(lock).expanduser()) if lock else Lock())
    for image, answer in sorted(answers.items()):
        if answer.failures:
            others = ", ".join(f"{failure.rule}: {failure.reason}" for failure in answer.failures)
            tell(f"{image} from {answer.candidate.rule} ({others})")
    return rewrite_documents(documents, gate, {image: answer.candidate.reference for image, answer in answers.items()})
