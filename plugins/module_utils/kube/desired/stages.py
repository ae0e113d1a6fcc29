# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order in which the documents of a release are applied, and in reverse removed."""

from __future__ import annotations

from enum import Enum

from ..objects import Document
from .webhooks import backing_services


class Stage(Enum):
    """Each stage starts when the one before is stored; what must be true between them is in apply/execute.py.

    The value is what a stage is called in messages.
    """

    DEFINITIONS = "namespaces and CRDs"  # everything else needs them
    SETTINGS = "access, configuration and services"  # what pods read when they start
    WEBHOOK_SERVERS = "webhook servers"
    WORKLOADS = "workloads"
    WEBHOOKS = "webhook configurations"  # only once their servers answer, or they would block the cluster
    GUARDED = "custom resources"  # and what a webhook must have seen


ORDER = (Stage.DEFINITIONS, Stage.SETTINGS, Stage.WORKLOADS, Stage.WEBHOOKS, Stage.GUARDED)
# Where instances of custom resources are there already, controllers must not see them before their webhooks do.
WEBHOOKS_FIRST = (
    Stage.DEFINITIONS,
    Stage.SETTINGS,
    Stage.WEBHOOK_SERVERS,
    Stage.WEBHOOKS,
    Stage.WORKLOADS,
    Stage.GUARDED,
)

WORKLOAD_KINDS = frozenset(
    {"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "ReplicaSet", "APIService"}
)
WEBHOOK_KINDS = frozenset({"ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"})
# They deny by themselves, without a server.
POLICY_KINDS = frozenset({"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"})

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


def in_stages(documents: list[Document], webhooks_first: bool = False) -> dict[Stage, list[Document]]:
    """All documents by stage; every stage is present, in order."""
    stages: dict[Stage, list[Document]] = {stage: [] for stage in (WEBHOOKS_FIRST if webhooks_first else ORDER)}
    servers = _webhook_selectors(documents) if webhooks_first else []
    for document in documents:
        stage = stage_of(document)
        if stage is Stage.WORKLOADS and any(_selects(selector, document) for selector in servers):
            stage = Stage.WEBHOOK_SERVERS
        stages[stage].append(document)
    return stages


def _webhook_selectors(documents: list[Document]) -> list[tuple[str, dict[str, str]]]:
    """(namespace, labels) of the pods behind the webhooks that the documents configure."""
    called = backing_services([document for document in documents if document["kind"] in WEBHOOK_KINDS])
    found = []
    for document in documents:
        namespace, name = document["metadata"].get("namespace", ""), document["metadata"]["name"]
        if document["kind"] == "Service" and document["apiVersion"] == "v1" and (namespace, name) in called:
            found.append((namespace, (document.get("spec") or {}).get("selector") or {}))
    return [(namespace, labels) for namespace, labels in found if labels]


def _selects(selector: tuple[str, dict[str, str]], workload: Document) -> bool:
    namespace, labels = selector
    template = ((workload.get("spec") or {}).get("template") or {}).get("metadata") or {}
    return (
        workload["metadata"].get("namespace") == namespace and labels.items() <= (template.get("labels") or {}).items()
    )


def _image_set_by_injector(document: Document) -> bool:
    """Istio's gateway chart ships the image 'auto', which only its injection webhook replaces."""
    pod = ((document.get("spec") or {}).get("template") or {}).get("spec") or {}
    return any(container.get("image") == "auto" for container in pod.get("containers") or [])
