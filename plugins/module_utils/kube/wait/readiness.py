# Copyright: selfhosted.serverless contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must come true before a release can be called up: the `wait` list of a release's result."""

from __future__ import annotations

from typing import Any

from ..objects import Document, ObjectRef

ROLLOUT_KINDS = frozenset({"Deployment", "StatefulSet", "DaemonSet"})

# (API group, kind) -> type of the condition that tells readiness.
CONDITIONS = {
    ("apiregistration.k8s.io", "APIService"): "Available",
    ("batch", "Job"): "Complete",
    ("serving.knative.dev", "Service"): "Ready",
    ("serving.knative.dev", "DomainMapping"): "Ready",
    ("eventing.knative.dev", "Broker"): "Ready",
    ("eventing.knative.dev", "Trigger"): "Ready",
    ("messaging.knative.dev", "InMemoryChannel"): "Ready",
    ("messaging.knative.dev", "Channel"): "Ready",
    ("messaging.knative.dev", "Subscription"): "Ready",
    ("operator.knative.dev", "KnativeServing"): "Ready",
    ("operator.knative.dev", "KnativeEventing"): "Ready",
}


def wait_list(documents: list[Document]) -> list[dict[str, Any]]:
    """Targets for the wait action: rollouts, API services, jobs and the custom resources whose readiness we know."""
    targets = []
    for document in documents:
        ref = ObjectRef.of(document)
        condition = (
            "rollout" if ref.group == "apps" and ref.kind in ROLLOUT_KINDS else CONDITIONS.get((ref.group, ref.kind))
        )
        if condition:
            target = {"api_version": ref.api_version, "kind": ref.kind, "name": ref.name, "condition": condition}
            if ref.namespace:
                target["namespace"] = ref.namespace
            targets.append(target)
    return targets
