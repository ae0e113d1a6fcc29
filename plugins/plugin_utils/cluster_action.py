# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of the actions on one cluster: how it is reached, and what is told of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, ClassVar

from ansible import constants as C
from ansible_collections.selfhosted.serverless.plugins.module_utils.contexts.choice import is_lab
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import ImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.kubeconfig import (
    kubeconfig_location,
    load_kubeconfig,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.unreachable import failure_kind, remedy
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ClusterError, KubeError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.run_lock import Holder, RunLock
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.progress import Progress
from ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.login import login_for
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.commands import kubectl
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.documented_action import DocumentedAction
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.logout import revoke_at_exit

RECORD_NAMESPACE = "kube-system"
LOOK_SECONDS = 30.0


class ClusterAction(DocumentedAction):
    """An action on the cluster of the options `context` and `kubeconfig`."""

    errors: ClassVar[tuple[type[Exception], ...]] = (KubeError, ImageError, OSError, ValueError)

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Have the end of the run log out; Ansible loads the class before it forks the workers."""
        super().__init_subclass__(**keywords)
        revoke_at_exit()

    def connect(self, args: dict[str, Any]) -> tuple[Cluster, Progress]:
        """Return the cluster, and what tells of its retries and of progress. Nothing is sent yet. Raises KubeError."""
        self._check_context(args["context"], args["kubeconfig"])
        progress = Progress(self._display.display, args["context"])
        # Ansible's folder of this run: what the server serves is read, and who we are is asked, once a run, not a task.
        cache = Path(C.DEFAULT_LOCAL_TMP)
        context, kubeconfig, option = args["context"], args["kubeconfig"] or None, args["openshift_login"]
        login = login_for(option, context, kubeconfig, cache) if option else None
        cluster = Cluster.connect(context, kubeconfig, progress.retry, cache, login)
        for warning in cluster.warnings:
            self.warn(warning)
        return cluster, progress

    def leads_to_lab(self, args: dict[str, Any]) -> bool:
        """Whether the context is one of the lab of this collection."""
        return is_lab(load_kubeconfig(kubeconfig_location(args["kubeconfig"])), args["context"])

    def remedy(self, args: dict[str, Any], error: Exception) -> str:
        """Return what to do about an API server that is not reached."""
        kind = failure_kind(error)
        return remedy(kind, kubectl(args["context"], args["kubeconfig"] or "")) if kind else ""

    def _check_context(self, context: str, kubeconfig: str | None) -> None:
        """Raise ClusterError where the context is a host whose name the inventory has cut off at a port."""
        port, host = self.variables.get("ansible_port"), self.variables.get("inventory_hostname")
        # What a role's default or nothing says of the context, nobody has said of this host.
        is_default = "inventory_hostname" in str(self.variables.get("serverless_context", "inventory_hostname"))
        if not port or context != host or not is_default:
            return
        contexts = load_kubeconfig(kubeconfig_location(kubeconfig)).contexts
        whole = next((name for name in (f"{host}:{port}", f"[{host}]:{port}") if name in contexts), "")
        if whole:
            raise ClusterError(
                f"the inventory's host {whole} was read as the host {host} with the port {port}, and {whole} is a "
                f"context. Give the host another name, and write serverless_context: '{whole}' for it"
            )

    def run_lock(
        self, cluster: Cluster, progress: Progress, namespace: str = RECORD_NAMESPACE, seconds: float = LOOK_SECONDS
    ) -> RunLock:
        """The lock of this run on the cluster; nothing is asked yet. Another run is waited for `seconds`."""
        # The parent of Ansible's worker is ansible-playbook itself: all tasks of a run share the lock.
        return RunLock(cluster, namespace, Holder.of_process(os.getppid()), seconds, progress.tell)
