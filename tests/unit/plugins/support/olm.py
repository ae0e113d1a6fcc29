"""OLM and the operator of OpenShift Serverless, played: what they write of a Subscription and of Knative's resources.

The kinds are the real ones: OLM's CRDs out of github.com/operator-framework/api, Knative's out of knative.dev/operator.
The operator of Service Mesh is in sail.py.
Packages are served by an aggregated API server on OpenShift; here a CRD of that name holds them.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import KubeError
from openshift_api import OpenShiftApi, await_served, crds
from releases import definition, deployment, document, namespace
from standing import within

_OLM = "github.com/operator-framework/api@v0.27.0"
_OLM_SUM = "h1:OrVaGKZJvbZo58HTv2guz7aURkhVKYhFqZ/6VpifiXI="
_OLM_FILES = {
    "crds/operators.coreos.com_subscriptions.yaml": "660410a754aad7e3ce83007fbbd455e65e55bc4efc8f2d0e4062df39b875025f",
    "crds/operators.coreos.com_operatorgroups.yaml": "80465394a38c89bd1987ae1a6ddcafe967a2980fd2a8e8c072b58f5992c34317",
    "crds/operators.coreos.com_clusterserviceversions.yaml": (
        "18a9956eb0c00c36b514dbfb77d085600754a8aa6540ef1204d76892207a27be"
    ),
}
_KNATIVE = "knative.dev/operator@v0.49.3"
_KNATIVE_SUM = "h1:iv23XucXrA13dsaQnS3nh1uza78eBi97T8ImeCyJR40="
_KNATIVE_FILES = {
    "config/crd/bases/operator.knative.dev_knativeservings.yaml": (
        "5b2406b791d2f634c354c482f88eead13e1d39ff65687c70083ede91f1199bc7"
    ),
    "config/crd/bases/operator.knative.dev_knativeeventings.yaml": (
        "90edc572e17c849dd65e7f3eb98c681d714d6e45578cce09a75eca9820f33305"
    ),
}


@dataclass(frozen=True)
class Package:
    """An operator as a catalog has it, and the namespace that it is subscribed to in."""

    name: str
    version: str
    place: str
    title: str

    @property
    def subscription(self) -> tuple[str, str, str, str]:
        return "operators.coreos.com/v1alpha1", "Subscription", self.name, self.place

    @property
    def csv(self) -> tuple[str, str, str, str]:
        return "operators.coreos.com/v1alpha1", "ClusterServiceVersion", f"{self.name}.{self.version}", self.place

    @property
    def label(self) -> str:
        """By which OLM marks what belongs to the operator."""
        return f"operators.coreos.com/{self.name}.{self.place}"


SERVERLESS = Package("serverless-operator", "v1.37.0", "openshift-serverless", "Red Hat OpenShift Serverless")
PLACE, SUBSCRIPTION, CSV, LABEL = SERVERLESS.place, SERVERLESS.subscription, SERVERLESS.csv, SERVERLESS.label
PARTS = {
    "KnativeServing": ("knative-serving", "controller"),
    "KnativeEventing": ("knative-eventing", "eventing-controller"),
}
FINALIZER = "knativeservings.operator.knative.dev"


def install(server: OpenShiftApi) -> Cluster:
    """Install OLM's kinds and a catalog with the operator's package; return a client with all rights."""
    cluster = install_olm(server, SERVERLESS, ["stable", "stable-1.37"])
    kinds = [definition("networking.istio.io", "Gateway")]
    cluster.apply(kinds[0])
    await_served(cluster, kinds)
    cluster.apply(namespace("istio-system"))
    return cluster


def install_olm(server: OpenShiftApi, package: Package, channels: Sequence[str]) -> Cluster:
    """Install OLM's kinds and a catalog with one package."""
    cluster = server.administrator()
    kinds = [*crds(_OLM_FILES, _OLM, _OLM_SUM), definition("packages.operators.coreos.com", "PackageManifest")]
    for kind in kinds:
        cluster.apply(kind)
    await_served(cluster, kinds)
    cluster.apply(namespace("openshift-marketplace"))
    shown = document("packages.operators.coreos.com/v1", "PackageManifest", package.name)
    status = {"catalogSource": "redhat-operators", "channels": [{"name": channel} for channel in channels]}
    cluster.apply({**within(shown, "openshift-marketplace", labels={"catalog": "redhat-operators"}), "status": status})
    return cluster


class Olm(threading.Thread):
    """Writes what OLM and the operator would, until it is stopped.

    With `unresolved` no version is found for the Subscription, for that reason; with `unapproved` its InstallPlan waits
    for a person; with `failing` what the operator installs gets not ready. Another operator than that of Serverless is
    a subclass.
    """

    package = SERVERLESS

    def __init__(self, cluster: Cluster, unresolved: str = "", failing: str = "") -> None:
        super().__init__(daemon=True)
        self.cluster = cluster
        self.unresolved = unresolved
        self.unapproved = ""
        self.failing = failing
        self._over = threading.Event()

    def __enter__(self) -> Olm:
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self.join()

    def run(self) -> None:
        while not self._over.wait(0.2):
            try:
                self._subscription()
                self.operate()
            except KubeError:
                continue  # somebody else was quicker; the next turn sees what there is

    def kinds(self) -> list[dict[str, Any]]:
        """The CRDs that come with the operator."""
        kinds = crds(_KNATIVE_FILES, _KNATIVE, _KNATIVE_SUM)
        for kind in kinds:
            del kind["spec"]["conversion"]  # by a webhook of the operator's
        return kinds

    def operate(self) -> None:
        """What the operator does in a turn."""
        for kind in PARTS:
            for live in self.cluster.list("operator.knative.dev/v1beta1", kind):
                self._part(live)

    def _subscription(self) -> None:
        package = self.package
        live = self.cluster.get(*package.subscription)
        if live is None or (live.get("status") or {}).get("installedCSV"):
            return
        updated = "2026-11-27T00:00:00Z"
        if self.unresolved:
            condition = {"type": "ResolutionFailed", "status": "True", "message": self.unresolved}
            self._status(live, {"lastUpdated": updated, "conditions": [condition]})
            return
        if self.unapproved:
            condition = {"type": "InstallPlanPending", "status": "True", "reason": "RequiresApproval"}
            plan = {"kind": "InstallPlan", "name": self.unapproved, "namespace": package.place}
            self._status(live, {"lastUpdated": updated, "conditions": [condition], "installPlanRef": plan})
            return
        kinds = self.kinds()
        for kind in kinds:
            self.cluster.apply(kind, manager="olm")
        await_served(self.cluster, kinds)
        self.cluster.apply(
            {
                "apiVersion": package.csv[0],
                "kind": package.csv[1],
                "metadata": {"name": package.csv[2], "namespace": package.place, "labels": {package.label: ""}},
                "spec": {
                    "displayName": package.title,
                    "install": {"strategy": "deployment", "spec": {"deployments": []}},
                },
            },
            manager="olm",
        )
        self._status(self.cluster.get(*package.csv), {"phase": "Succeeded"})
        self._status(live, {"lastUpdated": updated, "installedCSV": package.csv[2], "currentCSV": package.csv[2]})

    def _part(self, live: dict[str, Any]) -> None:
        metadata = live["metadata"]
        if metadata.get("deletionTimestamp"):
            self._merge(live, {"metadata": {"finalizers": None}})
            return
        if not metadata.get("finalizers"):
            self._merge(live, {"metadata": {"finalizers": [FINALIZER]}})
        ready = {"type": "Ready", "status": "False" if self.failing else "True"}
        if self.failing:
            ready |= {"reason": "Install", "message": self.failing}
        status = {"observedGeneration": metadata["generation"], "conditions": [ready]}
        if status.items() <= (live.get("status") or {}).items():
            return
        owner = {key: live[key] for key in ("apiVersion", "kind")} | {key: metadata[key] for key in ("name", "uid")}
        place, name = PARTS[live["kind"]]
        self.cluster.apply(within(deployment(name, replicas=0), place, ownerReferences=[owner]), manager="operator")
        self._status(live, status)

    def _status(self, live: dict[str, Any], status: dict[str, Any]) -> None:
        self._merge(live, {"status": status}, "/status")

    def _merge(self, live: dict[str, Any], patch: dict[str, Any], part: str = "") -> None:
        path = self.cluster.resource(live["apiVersion"], live["kind"]).path(
            live["metadata"].get("namespace"), live["metadata"]["name"]
        )
        content_type = "application/merge-patch+json"
        self.cluster.transport.call("PATCH", path + part, body=patch, content_type=content_type)
