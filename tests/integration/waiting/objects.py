"""Short ways to write workloads that get into trouble, or would not."""

from __future__ import annotations

from typing import Any

from ..conftest import RESTRICTED_CONTAINER, RESTRICTED_POD

Document = dict[str, Any]
PAUSE = "registry.k8s.io/pause"
PYTHON = "docker.io/library/python:3.11-slim-bookworm"


def document(api_version: str, kind: str, name: str, **fields: Any) -> Document:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **fields}


def pod_spec(image: str, *command: str, container: Document | None = None, **fields: Any) -> Document:
    main = {"name": "main", "image": image, **({"command": list(command)} if command else {}), **(container or {})}
    return {"containers": [main], "terminationGracePeriodSeconds": 0, **fields}


def workload(kind: str, spec: Document, **fields: Any) -> Document:
    """A Deployment, StatefulSet or DaemonSet called web."""
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": spec}
    body = {"selector": {"matchLabels": labels}, "template": template, **fields}
    return document("apps/v1", kind, "web", spec=body)


def deployment(image: str, *command: str, container: Document | None = None, **fields: Any) -> Document:
    return workload("Deployment", pod_spec(image, *command, container=container, **fields))


def restricted(image: str, *command: str) -> Document:
    """A Deployment that every Pod Security level lets in."""
    return deployment(
        image, *command, container={"securityContext": RESTRICTED_CONTAINER}, securityContext=RESTRICTED_POD
    )


def job(image: str, *command: str) -> Document:
    spec = pod_spec(image, *command, restartPolicy="Never")
    return document("batch/v1", "Job", "web", spec={"backoffLimit": 0, "template": {"spec": spec}})


def claim(**spec: Any) -> Document:
    size = {"resources": {"requests": {"storage": "1Mi"}}}
    return document("v1", "PersistentVolumeClaim", "data", spec={"accessModes": ["ReadWriteOnce"], **size, **spec})


def with_claim(image: str) -> Document:
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}
    return deployment(image, volumes=[volume], container={"volumeMounts": [{"name": "data", "mountPath": "/data"}]})


def requests(**wanted: str) -> Document:
    return {"resources": {"requests": wanted}}


def quota(**hard: str) -> Document:
    return document("v1", "ResourceQuota", "small", spec={"hard": hard})


def limit_range(**most: str) -> Document:
    return document("v1", "LimitRange", "small", spec={"limits": [{"type": "Container", "max": most}]})


def webhook(namespace: str, url: str = "https://127.0.0.1:1/") -> Document:
    """A webhook that must be asked about every pod of the namespace, and whose server is away."""
    entry = {
        "name": "away.example.org",
        "clientConfig": {"url": url},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "timeoutSeconds": 2,
        "admissionReviewVersions": ["v1"],
    }
    return document("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", namespace, webhooks=[entry])


def policy(namespace: str) -> list[Document]:
    """An admission policy that lets no pod of the namespace in."""
    group = "admissionregistration.k8s.io/v1"
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]
    spec = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": rules},
        "validations": [{"expression": "false", "message": "nobody is let in here"}],
    }
    selector = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    binding = {"policyName": namespace, "validationActions": ["Deny"], "matchResources": selector}
    return [
        document(group, "ValidatingAdmissionPolicy", namespace, spec=spec),
        document(group, "ValidatingAdmissionPolicyBinding", namespace, spec=binding),
    ]
