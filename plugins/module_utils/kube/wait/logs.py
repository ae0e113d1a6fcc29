# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last words of a container, which often tell more than its state."""

from __future__ import annotations

from ..client.cluster import Cluster
from ..errors import KubeError

LOG_SECONDS = 3.0
MOST_WORDS = 300  # characters
NO_LOG = "unable to retrieve container logs"  # what the kubelet gives instead of a log that is gone


def last_words(cluster: Cluster, namespace: str, pod: str, container: str) -> str:
    """ ", its last words: …" from the container that ended, else from the one that runs; "" when there are none."""
    path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
    for previous in ("true", "false"):
        query = {"container": container, "tailLines": "5", "previous": previous}
        try:
            text = cluster.transport.read_text(path, query, LOG_SECONDS)
        except KubeError:
            continue
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith(NO_LOG)]
        if lines:
            return f", its last words: {lines[-1][:MOST_WORDS]}"
    return ""
