# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the cluster itself, or a controller for its own use, puts into every namespace. It is nobody's loss.

Sources: kube-controller-manager (service accounts, root CA publisher, token controller, endpoints), OpenShift's
controllers (builder and deployer accounts, service CA, image pull secrets), Istio's namespace controller, OLM (api
pkg/operators/v1alpha1: it copies the ClusterServiceVersion of an operator that watches all namespaces into each).
"""

from __future__ import annotations

from ...objects import Document, ObjectRef

ALWAYS = frozenset(
    {
        ("", "Event"),
        ("events.k8s.io", "Event"),
        ("coordination.k8s.io", "Lease"),
    }
)
NAMED = frozenset(
    {
        ("ServiceAccount", "default"),
        ("ServiceAccount", "builder"),
        ("ServiceAccount", "deployer"),
        ("ConfigMap", "kube-root-ca.crt"),
        ("ConfigMap", "openshift-service-ca.crt"),
        ("RoleBinding", "system:deployers"),
        ("RoleBinding", "system:image-builders"),
        ("RoleBinding", "system:image-pullers"),
    }
)
# Field managers of controllers. k3s and kubelite are whole control planes in one program.
CONTROLLERS = frozenset(
    {
        "kube-controller-manager",
        "cloud-controller-manager",
        "k3s",
        "kubelite",
        "openshift-controller-manager",
        "cluster-policy-controller",
        "service-ca-operator",
        "pilot-discovery",
    }
)
# A volume claim that a StatefulSet had made is written by a controller too, and is somebody's data: only these kinds.
BY_CONTROLLERS = frozenset({"ConfigMap", "Endpoints", "EndpointSlice", "RoleBinding", "Secret", "ServiceAccount"})
LEADER_ANNOTATION = "control-plane.alpha.kubernetes.io/leader"
COPIED_LABEL = "olm.copiedFrom"


def is_cluster_made(item: Document) -> bool:
    """True when the object, known by its metadata, was made by the cluster or by a controller for its own use."""
    ref = ObjectRef.of(item)
    metadata = item["metadata"]
    if (ref.group, ref.kind) in ALWAYS or (ref.kind, ref.name) in NAMED:
        return True
    if LEADER_ANNOTATION in (metadata.get("annotations") or {}):
        return True
    if (ref.group, ref.kind) == ("operators.coreos.com", "ClusterServiceVersion"):
        return COPIED_LABEL in (metadata.get("labels") or {})
    managers = managers_of(item)
    return ref.kind in BY_CONTROLLERS and bool(managers) and managers <= CONTROLLERS


def managers_of(item: Document) -> set[str]:
    """The field managers that have written to the object."""
    return {entry.get("manager") or "" for entry in item["metadata"].get("managedFields") or []}
