"""What a test file leaves on an API server that others share is taken away after it, so that their order is free.

Names made for one test (`t-` and eight digits) meet nobody, so their namespaces stay: emptying them takes longer than
most of the tests.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from standing import drop_finalizers

SECONDS = 60
CRD = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")
# In the order in which they go: first what stands in the way of the others
KINDS = (
    ("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration"),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding"),
    ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy"),
    ("apiregistration.k8s.io/v1", "APIService"),
    CRD,
    ("v1", "Namespace"),
    ("v1", "Node"),
    ("v1", "PersistentVolume"),
    ("storage.k8s.io/v1", "StorageClass"),
    ("networking.k8s.io/v1", "IngressClass"),
    ("node.k8s.io/v1", "RuntimeClass"),
    ("scheduling.k8s.io/v1", "PriorityClass"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
)
OF_ONE_TEST = re.compile(r"t-[0-9a-f]{8}")
# The API server makes and removes the entries of the groups of CRDs itself.
AUTOMATIC = "kube-aggregator.kubernetes.io/automanaged"

Key = tuple[str, str, str]


class Leftovers:
    """The objects without a namespace that came to a cluster since this was made."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._before = {key for key, _document in self._objects()}

    def clear(self) -> None:
        """Remove them, and return when they are gone. Raises TimeoutError with those that stay."""
        for (api_version, kind, name), document in list(self._new()):
            if (api_version, kind) == CRD:
                self._release_instances(document)
            self._cluster.delete(api_version, kind, name)
        limit = time.monotonic() + SECONDS
        while left := [" ".join(key[1:]) for key, _document in self._new()]:
            if time.monotonic() > limit:
                raise TimeoutError(f"a test file has left what cannot be removed: {', '.join(left)}")
            time.sleep(0.1)

    def _objects(self) -> Iterator[tuple[Key, dict[str, Any]]]:
        for api_version, kind in KINDS:
            for document in self._cluster.list(api_version, kind):
                yield (api_version, kind, document["metadata"]["name"]), document

    def _new(self) -> Iterator[tuple[Key, dict[str, Any]]]:
        for key, document in self._objects():
            is_automatic = AUTOMATIC in document["metadata"].get("labels", {})
            is_of_one_test = key[1] == "Namespace" and OF_ONE_TEST.fullmatch(key[2])
            if key not in self._before and not is_automatic and not is_of_one_test:
                yield key, document

    def _release_instances(self, crd: dict[str, Any]) -> None:
        """Nobody is there who would end what instances wait for."""
        spec = crd["spec"]
        version = next(version["name"] for version in spec["versions"] if version["served"])
        api_version, kind = f"{spec['group']}/{version}", spec["names"]["kind"]
        for item in self._cluster.list(api_version, kind, metadata_only=True):
            if item["metadata"].get("finalizers"):
                drop_finalizers(self._cluster, item)
