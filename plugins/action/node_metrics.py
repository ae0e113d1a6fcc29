# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until metrics-server has figures of every node; documented in plugins/modules/node_metrics.py."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ApiError, WaitError
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.commands import kubectl
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.node_kinds import passed_over
from ansible_collections.selfhosted.serverless.plugins.module_utils.site.node_metrics import (
    METRICS_PATH,
    nodes_without_figures,
)
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.cluster_action import ClusterAction

INTERVAL = 1.0  # seconds; the metrics API cannot be watched


class ActionModule(ClusterAction):
    """Reads only."""

    waits = True

    def act(self, args: dict[str, Any], check: bool) -> dict[str, Any]:
        """Return once every Ready node has figures; in check mode at once."""
        if check:
            return {"changed": False, "msg": "would wait for the figures of all nodes"}
        deadline = Deadline(args["timeout"])
        cluster, progress = self.connect(args)
        with self.run_lock(cluster, progress).kept():
            missing, passed = _missing(cluster, deadline)
        if missing:
            log = f"{kubectl(args['context'], args['kubeconfig'] or '')} -n kube-system logs deploy/metrics-server"
            raise WaitError(
                f"after {args['timeout']} s metrics-server has no figures of {', '.join(missing)}. Its log says why: "
                f"{log}. With 'x509' there the kubelet's certificate is not signed by the cluster's CA; set "
                "metrics_server_kubelet_insecure_tls: true if you accept that."
            )
        if passed:
            self.tell(f"without figures, and not waited for: {', '.join(passed)}")
        return {"changed": False, "seconds": round(deadline.elapsed, 1), "passed_over": passed}


def _missing(cluster: Cluster, deadline: Deadline) -> tuple[list[str], list[str]]:
    """Return the nodes whose figures are missing in the end, and 'name (kind)' of those that none are needed of."""
    while True:
        nodes = cluster.list("v1", "Node", deadline=deadline)
        try:
            metrics = cluster.get_path(METRICS_PATH)["items"]
        except ApiError as error:
            # 404 until the aggregation layer knows the service, 503 until the first figures are there
            if error.status not in (404, 503):
                raise
            metrics = []
        missing = nodes_without_figures(nodes, metrics)
        if not missing or deadline.passed:
            others = nodes_without_figures(nodes, metrics, awaited=False)
            return missing, passed_over([node for node in nodes if node["metadata"]["name"] in others], "awaited")
        time.sleep(min(INTERVAL, deadline.remaining))
