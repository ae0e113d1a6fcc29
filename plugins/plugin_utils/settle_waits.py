# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying out the waits of one or more settle tasks together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.run_lock import RunLock
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.progress import Progress
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.upgrade.settling import (
    Jobs,
    Settling,
    settle,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.targets import Target
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.manifest_files import documents_of
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.node_figures import await_figures
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.pending_waits import Wait


def targets_of(wait: Wait) -> list[Target]:
    """What a wait is for, what its releases add included. Raises WaitError for what is no target."""
    items = [*wait["for"], *(entry for item in wait["releases"] for entry in item.get("for") or [])]
    return [Target.from_item(item) for item in items]


def settle_waits(
    cluster: Cluster, waits: Sequence[Wait], variables: Mapping[str, Any], progress: Progress, lock: RunLock
) -> tuple[list[str], list[str]]:
    """Return what came true and what was done, in words, of waits that belong to one run.

    The last wait says how an upgrade goes back; those that were put off are of no upgrade. Raises KubeError.
    """
    last, seconds = waits[-1], max(wait["timeout"] for wait in waits)
    targets = [target for wait in waits for target in targets_of(wait)]
    releases = [item for wait in waits for item in wait["releases"]]
    settling = Settling(
        tuple(item["name"] for item in releases),
        tuple(_jobs(cluster, item, last, variables, progress) for item in releases),
        last["rollback"],
        last["role"],
        last["record_namespace"],
        seconds,
        all(wait["hopeless"] for wait in waits),
    )
    with lock.kept():
        done = settle(cluster, targets, settling, progress.tell, lock)
        if any(wait["figures"] for wait in waits):
            await_figures(cluster, last["context"], last["kubeconfig"], seconds, progress)
    for line in done:
        progress.tell(line)
    return [str(target) for target in targets], done


def _jobs(
    cluster: Cluster, item: Mapping[str, Any], args: Wait, variables: Mapping[str, Any], progress: Progress
) -> Jobs:
    documents = documents_of(cluster, item["jobs"], [], args, variables, False, progress.tell)
    return Jobs(item["name"], item["version"], documents, tuple(item["unmigrated"]))
