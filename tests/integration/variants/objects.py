"""What stands in the application's namespace, of all kinds that the cluster serves, and what should."""

from __future__ import annotations

import json

from ..conftest import NAMESPACE, Site

# What is told about objects and not an object that somebody made
FLEETING = ("events", "events.events.k8s.io", "pods.metrics.k8s.io")
# What every namespace has, and what the role registry_secret and Istio put into it
OF_OTHERS = {
    "ConfigMap/istio-ca-crl",
    "ConfigMap/istio-ca-root-cert",
    "ConfigMap/kube-root-ca.crt",
    "Secret/registry",
    "ServiceAccount/default",
}
POLICIES = ("default-deny", "web", "rule", "user", "database")
DATA = {
    "PersistentVolumeClaim/database",
    "Secret/database",
    "Service/database",
    "StatefulSet.apps/database",
    *(f"NetworkPolicy.networking.k8s.io/{name}" for name in POLICIES),
}
DEPLOYMENTS = {
    *(f"Deployment.apps/{name}" for name in ("web", "rule", "user-v1", "user-v2")),
    *(f"Service/{name}" for name in ("web", "rule", "user", "user-v1", "user-v2")),
    "HorizontalPodAutoscaler.autoscaling/web",
    "PodDisruptionBudget.policy/web",
}
MESH = {
    "Gateway.networking.istio.io/web",
    "VirtualService.networking.istio.io/web",
    "VirtualService.networking.istio.io/user",
    "DestinationRule.networking.istio.io/user",
    "PeerAuthentication.security.istio.io/default",
}
OF_VARIANT = {
    "kubernetes": DATA | DEPLOYMENTS,
    "istio": DATA | DEPLOYMENTS | MESH,
    "knative": DATA | {f"Service.serving.knative.dev/{name}" for name in ("web", "rule", "user")},
}


def roots(site: Site) -> set[str]:
    """The objects of the namespace that nobody else's existence explains, as Kind.group/name."""
    served = site.kubectl("api-resources", "--verbs=list", "--namespaced", "-o", "name").split()
    kinds = ",".join(kind for kind in served if kind not in FLEETING)
    items = json.loads(site.kubectl("get", kinds, "-n", NAMESPACE, "-o", "json"))["items"]
    known = {item["metadata"]["uid"]: item for item in items}
    # Endpoints are made for the Service of the same name, but do not say so
    known |= {f"Service/{item['metadata']['name']}": item for item in items if is_core(item, "Service")}
    return {root_of(item, known) for item in items}


def root_of(item: dict, known: dict[str, dict]) -> str:
    """The object at the end of the chain of owners; an owner that is not there is an end as well."""
    metadata = item["metadata"]
    if is_core(item, "Endpoints") and f"Service/{metadata['name']}" in known:
        return root_of(known[f"Service/{metadata['name']}"], known)
    for owner in metadata.get("ownerReferences", []):
        if owner["uid"] not in known:
            return f"{item['kind']}/{metadata['name']}, whose owner {owner['kind']}/{owner['name']} is gone"
        return root_of(known[owner["uid"]], known)
    group = item["apiVersion"].rpartition("/")[0]
    return f"{item['kind']}{'.' if group else ''}{group}/{metadata['name']}"


def is_core(item: dict, kind: str) -> bool:
    """Whether an object is of a kind of the core API group."""
    return item["kind"] == kind and "/" not in item["apiVersion"]
