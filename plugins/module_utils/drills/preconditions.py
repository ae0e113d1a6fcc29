# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a drill can be made here and now; every 'no' is one sentence that says what to do."""

from __future__ import annotations

from typing import Any

from ..kube.client.cluster import Cluster
from ..kube.errors import ApiError
from .application import KNATIVE_SERVING, Application, user_shares
from .catalogue import DRILLS, listing
from .errors import DrillError
from .http_client import Client
from .mesh_figures import require_figures

MOST_PODS = 3  # what scale_out drives web to
PATIENCE = 10.0  # seconds for the page


def check(cluster: Cluster, application: Application, drill: str) -> None:
    """Raises DrillError when the drill cannot be made, KubeError when the cluster does not answer."""
    check_name(drill)
    wanted = DRILLS[drill].variants
    if application.variant not in wanted:
        raise DrillError(
            f"the drill {drill} is made for the variant {' or '.join(wanted)}, and in the namespace "
            f"{application.namespace} stands {application.variant}. First run site.yml --tags todo "
            f"-e todo_variant={wanted[0]}"
        )
    reply = Client(application.address, False, PATIENCE).get("/")
    if reply.error:
        raise DrillError(
            f"the application does not answer at {application.address}: {reply.error}. See whether it is ready "
            f"(kubectl get pods -n {application.namespace}) and whether the inventory is right about that address"
        )
    if drill in ("scale_out", "pod_loss"):
        _autoscaler(cluster, application, {"scale_out": MOST_PODS, "pod_loss": 2}[drill])
    if drill == "scale_out":
        _figures(cluster, application)
    if drill == "cold_start":
        _may_be_idle(cluster, application)
    if drill == "traffic":
        user_shares(cluster, application)
    if drill == "topology":
        require_figures(cluster)


def check_name(drill: str) -> None:
    """Raises DrillError for a drill that there is not."""
    if drill not in DRILLS:
        raise DrillError("\n".join([f"there is no drill '{drill}'; choose one by -e drill=NAME:", *listing()]))


def _autoscaler(cluster: Cluster, application: Application, pods: int) -> None:
    scaler = cluster.get("autoscaling/v2", "HorizontalPodAutoscaler", "web", application.namespace)
    if scaler is None:
        raise DrillError(f"there is no HorizontalPodAutoscaler web in the namespace {application.namespace}")
    spec: dict[str, Any] = scaler["spec"]
    if spec.get("minReplicas", 1) >= pods or spec["maxReplicas"] < pods:
        raise DrillError(
            f"the HorizontalPodAutoscaler web goes from {spec.get('minReplicas', 1)} to {spec['maxReplicas']} pods; "
            f"the drill needs room for {pods}. Set todo_web_min_scale to 1 and todo_max_scale to {MOST_PODS}"
        )


def _figures(cluster: Cluster, application: Application) -> None:
    path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{application.namespace}/pods"
    try:
        items = cluster.transport.call("GET", path, query={"labelSelector": application.selector("web")})["items"]
    except ApiError as error:
        if error.status not in (404, 503):
            raise
        items = []
    if not items:
        raise DrillError(
            "metrics-server has no figures of the pods of web, so that the autoscaler cannot act. Install it with "
            "site.yml --tags metrics_server; right after that, or after web was started, they take up to a minute"
        )


def _may_be_idle(cluster: Cluster, application: Application) -> None:
    for name in ("user", "rule"):
        service = cluster.get(KNATIVE_SERVING, "Service", name, application.namespace)
        if service is None:
            raise DrillError(f"there is no Knative Service {name} in the namespace {application.namespace}")
        annotations = service["spec"]["template"].get("metadata", {}).get("annotations") or {}
        if annotations.get("autoscaling.knative.dev/min-scale", "0") != "0":
            raise DrillError(f"{name} keeps at least one pod (autoscaling.knative.dev/min-scale); it is never cold")
