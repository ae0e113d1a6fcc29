"""The operator of OpenShift Service Mesh 3 (Sail), played: what it writes of an Istio and an IstioCNI.

The kinds are written here, as strict as those of github.com/istio-ecosystem/sail-operator (bundle/manifests) in what
the role sets: scope, defaults and rules, and no field but those named. An IstioRevision stands between an Istio and
what is made of it, and has the finalizer.
"""

from __future__ import annotations

import base64
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from olm import Olm, Package
from openshift_api import OpenShiftApi
from releases import definition, deployment, document
from standing import within

MESH = Package("servicemeshoperator3", "v3.3.1", "openshift-operators", "Red Hat OpenShift Service Mesh 3")
API = "sailoperator.io/v1"
ISTIO, CNI, REVISION = (API, "Istio", "default"), (API, "IstioCNI", "default"), (API, "IstioRevision", "default")
ISTIOD = ("apps/v1", "Deployment", "istiod", "istio-system")
FINALIZER = "sailoperator.io/sail-operator"
DEFAULT_VERSION = "v1.30.1"
NODE = "worker"
MANAGED = {"managed-by": "sail-operator"}

_TEXT, _FREE = {"type": "string"}, {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_VERSION = {"type": "string", "default": DEFAULT_VERSION, "enum": [DEFAULT_VERSION, "v1.30-latest", "v1.29.2"]}


def _fields(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def _namespace(default: str) -> dict[str, Any]:
    rule = {"rule": "self == oldSelf", "message": "Value is immutable"}
    return {"type": "string", "default": default, "x-kubernetes-validations": [rule]}


_RESOURCES = _fields(requests={"type": "object", "additionalProperties": {"x-kubernetes-int-or-string": True}})
_SPECS = {
    "Istio": {
        "required": ["namespace", "version"],
        **_fields(
            namespace=_namespace("istio-system"),
            version=_VERSION,
            updateStrategy={**_fields(type={"type": "string", "enum": ["InPlace", "RevisionBased"]}), "default": {}},
            values=_fields(
                pilot=_fields(
                    autoscaleEnabled={"type": "boolean"}, resources=_RESOURCES, traceSampling={"type": "number"}
                ),
                **{"global": _fields(proxy=_fields(resources=_RESOURCES))},
                meshConfig=_fields(accessLogFile=_TEXT),
            ),
        ),
    },
    "IstioCNI": {
        "required": ["namespace", "version"],
        **_fields(namespace=_namespace("istio-cni"), version=_VERSION),
    },
    "IstioRevision": _FREE,
    "IstioRevisionTag": _FREE,
}


def kind_of_sail(kind: str) -> dict[str, Any]:
    """The CRD of one kind of the operator's."""
    found = definition("sailoperator.io", kind)
    found["spec"]["scope"] = "Cluster"
    version = found["spec"]["versions"][0]
    version["subresources"] = {"status": {}}
    schema = _fields(spec=_SPECS[kind], status=_FREE)
    if kind == "IstioCNI":
        rule = {"rule": "self.metadata.name == 'default'", "message": "metadata.name must be 'default'"}
        schema["x-kubernetes-validations"] = [rule]
    version["schema"]["openAPIV3Schema"] = schema
    return found


class ServiceMesh(Olm):
    """Beside the operator it plays scheduler and kubelet for the pods of gateways."""

    package = MESH

    def __init__(self, server: OpenShiftApi, unresolved: str = "", failing: str = "") -> None:
        super().__init__(server.administrator(), unresolved, failing)
        self.authority = base64.b64encode(server.pki.ca_certificate.read_bytes()).decode()

    def kinds(self) -> list[dict[str, Any]]:
        """The operator's own, and those of Istio, which are in its bundle too."""
        istio = [definition("networking.istio.io", kind) for kind in ("Gateway", "VirtualService")]
        return [*map(kind_of_sail, _SPECS), *istio]

    def operate(self) -> None:
        for live in self.cluster.list(API, "IstioRevision"):
            if live["metadata"].get("deletionTimestamp"):
                self._uninstall()
                self._merge(live, {"metadata": {"finalizers": _without(live, FINALIZER)}})
        for live in self.cluster.list(API, "IstioCNI"):
            self._cni(live)
        for live in self.cluster.list(API, "Istio"):
            if not live["metadata"].get("deletionTimestamp"):
                self._istio(live)
        self._run_gateways()

    def _istio(self, live: dict[str, Any]) -> None:
        if self._is_told(live):
            return
        if self.failing:
            self._tell(live)
            return
        revision = document(*REVISION, spec={"version": live["spec"]["version"]})
        revision["metadata"] |= {"ownerReferences": [_owner(live)], "finalizers": [FINALIZER]}
        self.cluster.apply(revision, manager="sail")
        owners = [_owner(self.cluster.get(*REVISION))]
        istiod = within(deployment("istiod", replicas=0), "istio-system", labels={"app": "istiod", **MANAGED})
        service = document("v1", "Service", "istiod", spec={"ports": [{"name": "https-dns", "port": 15012}]})
        place = document("discovery.k8s.io/v1", "EndpointSlice", "istiod", addressType="IPv4")
        place |= {"endpoints": [{"addresses": ["10.0.0.8"]}], "ports": [{"name": "https-dns", "port": 15012}]}
        injector = document("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "istio-sidecar-injector")
        injector["webhooks"] = [
            {
                "name": "object.sidecar-injector.istio.io",
                "clientConfig": {"url": "https://127.0.0.1:1/inject", "caBundle": self.authority},
                "sideEffects": "None",
                "admissionReviewVersions": ["v1"],
            }
        ]
        for one in (
            istiod,
            within(service, "istio-system"),
            within(place, "istio-system", labels={"kubernetes.io/service-name": "istiod"}),
            injector,
        ):
            one["metadata"]["ownerReferences"] = owners
            self.cluster.apply(one, manager="sail")
        self._tell(live)

    def _cni(self, live: dict[str, Any]) -> None:
        if live["metadata"].get("deletionTimestamp"):
            self._merge(live, {"metadata": {"finalizers": _without(live, FINALIZER)}})
            return
        if not live["metadata"].get("finalizers"):
            self._merge(live, {"metadata": {"finalizers": [FINALIZER]}})
        if not self._is_told(live):
            account = document("v1", "ServiceAccount", "istio-cni")
            self.cluster.apply(within(account, "istio-cni", ownerReferences=[_owner(live)]), manager="sail")
            self._tell(live)

    def _status_of(self, live: dict[str, Any]) -> dict[str, Any]:
        reconciled, ready = {"type": "Reconciled", "status": "True"}, {"type": "Ready", "status": "True"}
        if self.failing and live["kind"] == "Istio":
            reconciled |= {"status": "False", "reason": "ReconcileError", "message": self.failing}
            ready |= {"status": "Unknown", "message": "cannot determine readiness due to reconciliation error"}
        return {"observedGeneration": live["metadata"]["generation"], "conditions": [reconciled, ready]}

    def _is_told(self, live: dict[str, Any]) -> bool:
        return self._status_of(live).items() <= (live.get("status") or {}).items()

    def _tell(self, live: dict[str, Any]) -> None:
        self._status(live, self._status_of(live))

    def _uninstall(self) -> None:
        self.cluster.delete(*ISTIOD)
        self.cluster.delete("v1", "Service", "istiod", "istio-system")
        self.cluster.delete("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "istio-sidecar-injector")

    def _run_gateways(self) -> None:
        for pod in self.cluster.list("v1", "Pod", label_selector="sidecar.istio.io/inject=true"):
            name, place = pod["metadata"]["name"], pod["metadata"]["namespace"]
            if pod["metadata"].get("deletionTimestamp"):
                self.cluster.delete("v1", "Pod", name, place, grace_seconds=0)
            elif pod["status"]["phase"] == "Pending":
                self.cluster.apply(document("v1", "Node", NODE), manager="kubelet")
                path = self.cluster.resource("v1", "Pod").path(place, name)
                target = {"apiVersion": "v1", "kind": "Node", "name": NODE}
                self.cluster.transport.call(
                    "POST", f"{path}/binding", body=document("v1", "Binding", name, target=target)
                )
                conditions = [{"type": kind, "status": "True"} for kind in ("Ready", "ContainersReady")]
                ip = {"podIP": "10.0.0.9", "podIPs": [{"ip": "10.0.0.9"}]}
                self._status(pod, {"phase": "Running", "conditions": conditions, **ip})


def serve(cluster: Cluster, *names: str) -> None:
    """Services of somebody else in istio-system, each with an endpoint."""
    for name in names:
        service = document("v1", "Service", name, spec={"ports": [{"name": "http2", "port": 80}]})
        place = document("discovery.k8s.io/v1", "EndpointSlice", name, addressType="IPv4")
        place |= {"endpoints": [{"addresses": ["10.0.0.7"]}], "ports": [{"name": "http2", "port": 8080}]}
        cluster.apply(within(service, "istio-system"), manager="somebody")
        labels = {"kubernetes.io/service-name": name}
        cluster.apply(within(place, "istio-system", labels=labels), manager="somebody")


def _owner(live: dict[str, Any]) -> dict[str, Any]:
    named = {key: live[key] for key in ("apiVersion", "kind")} | {key: live["metadata"][key] for key in ("name", "uid")}
    return {**named, "controller": True, "blockOwnerDeletion": True}


def _without(live: dict[str, Any], finalizer: str) -> list[str]:
    return [one for one in live["metadata"].get("finalizers") or [] if one != finalizer]
