# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which the documents of a release are applied, and in reverse removed."""

from __future__ import annotations

from enum import IntEnum

from ..objects import Document


class Stage(IntEnum):
    """Each stage starts when the one before is stored; the gates between them are in release_present.py."""

    DEFINITIONS = 0  # namespaces and CRDs: everything else needs them
    SETTINGS = 1  # what pods read when they start: RBAC, configuration, secrets, services
    WORKLOADS = 2
    WEBHOOKS = 3  # only once their servers answer, or they would block the cluster
    GUARDED = 4  # custom resources and what a webhook must have seen

    @property
    def title(self) -> str:
        return {
            Stage.DEFINITIONS: "namespaces and CRDs",
            Stage.SETTINGS: "access, configuration and services",
            Stage.WORKLOADS: "workloads",
            Stage.WEBHOOKS: "webhook configurations",
            Stage.GUARDED: "custom resources",
        }[self]


WORKLOAD_KINDS = frozenset(
    {"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "ReplicaSet", "APIService"}
)
WEBHOOK_KINDS = frozenset({"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"})

# Groups that every API server has built in; any other group with a dot comes from a CRD or an aggregated server.
BUILT_IN_GROUPS = frozenset(
    {
        "",
        "apps",
        "batch",
        "autoscaling",
        "policy",
        "extensions",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "internal.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
        "storagemigration.k8s.io",
    }
)


def is_custom(api_version: str) -> bool:
    """True for a kind that a CRD or an aggregated API server defines."""
    return api_version.rpartition("/")[0] not in BUILT_IN_GROUPS


def stage_of(document: Document) -> Stage:
    """The stage of one document, from its kind."""
    kind = document["kind"]
    if is_custom(document["apiVersion"]):
        return Stage.GUARDED
    if kind in ("Namespace", "CustomResourceDefinition"):
        return Stage.DEFINITIONS
    if kind in WEBHOOK_KINDS:
        return Stage.WEBHOOKS
    if kind in WORKLOAD_KINDS:
        return Stage.GUARDED if _image_set_by_injector(document) else Stage.WORKLOADS
    return Stage.SETTINGS


def in_stages(documents: list[Document]) -> dict[Stage, list[Document]]:
    """All documents by stage; every stage is present, in order."""
    stages: dict[Stage, list[Document]] = {stage: [] for stage in Stage}
    for document in documents:
        stages[stage_of(document)].append(document)
    return stages


def _image_set_by_injector(document: Document) -> bool:
    """Istio's gateway chart ships the image 'auto', which only its injection webhook replaces."""
    pod = ((document.get("spec") or {}).get("template") or {}).get("spec") or {}
    return any(container.get("image") == "auto" for container in pod.get("containers") or [])
