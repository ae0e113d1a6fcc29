# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of the actions on one cluster: how it is reached, and what is told of it."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import ImageError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import KubeError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.progress import Progress
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.documented_action import DocumentedAction


class ClusterAction(DocumentedAction):
    """An action on the cluster of the options `context` and `kubeconfig`."""

    errors: ClassVar[tuple[type[Exception], ...]] = (KubeError, ImageError, OSError, ValueError)

    def connect(self, args: dict[str, Any]) -> tuple[Cluster, Progress]:
        """Return the cluster, and what tells of its retries and of progress. Nothing is sent yet. Raises KubeError."""
        progress = Progress(self._display.display, args["context"])
        cluster = Cluster.connect(args["context"], args["kubeconfig"] or None, progress.retry)
        for warning in cluster.warnings:
            self.warn(warning)
        return cluster, progress
