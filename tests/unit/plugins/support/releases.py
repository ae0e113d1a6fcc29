"""Short ways to write documents and to apply and remove releases in tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.apply.present import apply_release
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.run_lock import RunLock
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.leaving.policy import LeavingPolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.leaving.rehearsal import AbsentOptions
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.outcome import Outcome
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.plan import Action, Plan
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.present.options import PresentOptions
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.remove.absent import (
    remove_release,
    remove_releases,
)

Document = dict[str, Any]


def document(api_version: str, kind: str, name: str, **fields: Any) -> Document:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **fields}


def namespace(name: str) -> Document:
    return document("v1", "Namespace", name)


def config_map(name: str, data: dict[str, str]) -> Document:
    return document("v1", "ConfigMap", name, data=data)


def secret(name: str, data: dict[str, str]) -> Document:
    return document("v1", "Secret", name, stringData=data)


def deployment(name: str, replicas: int | None = None, image: str = "example.org/app:1") -> Document:
    spec: Document = {
        "selector": {"matchLabels": {"app": name}},
        "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "main", "image": image, "ports": [{"containerPort": 8080}]}]},
        },
    }
    if replicas is not None:
        spec["replicas"] = replicas
    return document("apps/v1", "Deployment", name, spec=spec)


def definition(group: str, kind: str) -> Document:
    """A namespaced CRD, version v1, that takes any spec."""
    plural = kind.lower() + "s"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    spec = {
        "group": group,
        "scope": "Namespaced",
        "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": kind + "List"},
        "versions": [version],
    }
    return document("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"{plural}.{group}", spec=spec)


def present(
    cluster: Cluster, release: str, documents: list[Document], check_mode: bool = False, **options: Any
) -> Outcome:
    """Apply a release; `release` is also the namespace of documents that name none."""
    seconds, lock = options.pop("seconds", 60), options.pop("lock", None)
    settings = PresentOptions(release, check_mode=check_mode, **{"namespace": release, **options})
    return apply_release(cluster, documents, settings, Deadline(seconds), lambda message: None, lock)


def absent(
    cluster: Cluster, release: str, check_mode: bool = False, lock: RunLock | None = None, **options: Any
) -> Plan:
    """Remove a release; `options` are those of LeavingPolicy, and seconds."""
    wanted = removing(release, **options)
    return remove_release(cluster, wanted, lambda message: None, lock, check_mode=check_mode)


def removing(release: str, seconds: float = 60, **policy: Any) -> AbsentOptions:
    return AbsentOptions(release, LeavingPolicy(**policy), seconds)


def rehearsed(cluster: Cluster, *releases: AbsentOptions) -> list[Plan]:
    """The plans of removals in this order. Raises ReleaseError for what forbids one of them."""
    return remove_releases(cluster, releases, lambda message: None, check_mode=True)


def deleted(plan: Plan) -> list[str]:
    return names(step.ref for step in plan.of(Action.DELETE))


def returned(plan: Plan) -> list[str]:
    """Each object once, although a namespace may have been given back for more than one field manager."""
    return names({step.ref for step in plan.of(Action.GIVE_BACK)})


def kept(plan: Plan) -> list[str]:
    return names(step.ref for step in plan.of(Action.KEEP))


def names(refs: Iterable[Any]) -> list[str]:
    return sorted(str(ref) for ref in refs)
