# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions on one cluster have in common: how it is reached, its errors, and progress with its name."""

from __future__ import annotations

from typing import Any, ClassVar

from ansible.utils.display import Display
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import KubeError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.progress import Progress
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.library_action import LibraryAction

_display = Display()

CLUSTER: dict[str, Any] = {"context": {"type": "str", "required": True}, "kubeconfig": {"type": "path"}}


class ClusterAction(LibraryAction):
    """An action on the cluster of the arguments `context` and `kubeconfig`."""

    errors: ClassVar[tuple[type[Exception], ...]] = (KubeError, OSError)

    def subject(self, args: dict[str, Any]) -> str:
        """Return the context, which its failures begin with."""
        return f"context '{args['context']}': "


def connect(args: dict[str, Any]) -> tuple[Cluster, Progress]:
    """Return the cluster, and what tells of its retries and of progress. Raises KubeError."""
    progress = Progress(_display.display, args["context"])
    return Cluster.connect(args["context"], args["kubeconfig"] or None, progress.retry), progress
