"""Part f: what foreign objects on the cluster cost a converged run, of kinds that it lists."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .site_cycle import converged
from .site_figures import Figure, ratio
from .site_labs import Site, load_average

NAMESPACE = "bench-foreign"
CLUSTER_WIDE = "bench-foreign-{}"
PAYLOAD = "x" * 500
LABELS = {"app": "bench-foreign"}
RBAC = "/apis/rbac.authorization.k8s.io/v1"
# Nothing of them may start, and no controller may have much to do with them
TEMPLATE = {
    "metadata": {"labels": LABELS},
    "spec": {
        "schedulingGates": [{"name": "example.com/never"}],
        "containers": [{"name": "none", "image": "example.com/none", "env": [{"name": "A", "value": PAYLOAD}]}],
    },
}
RULES = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]

Maker = Callable[[str], tuple[str, dict[str, Any]]]


def _namespaced(root: str, plural: str, body: dict[str, Any]) -> Maker:
    path = f"{root}/namespaces/{NAMESPACE}/{plural}"
    return lambda name: (path, {"metadata": {"name": name, "labels": LABELS}, **body})


# Kind as in the audit log -> what makes one: the path of its collection, and the object
MAKERS: dict[str, Maker] = {
    "configmaps": _namespaced("/api/v1", "configmaps", {"data": {"some": PAYLOAD}}),
    "secrets": _namespaced("/api/v1", "secrets", {"stringData": {"some": PAYLOAD}}),
    "services": _namespaced("/api/v1", "services", {"spec": {"clusterIP": "None", "ports": [{"port": 80}]}}),
    "serviceaccounts": _namespaced("/api/v1", "serviceaccounts", {}),
    "pods": _namespaced("/api/v1", "pods", {"spec": TEMPLATE["spec"]}),
    "deployments.apps": _namespaced(
        "/apis/apps/v1",
        "deployments",
        {"spec": {"replicas": 0, "selector": {"matchLabels": LABELS}, "template": TEMPLATE}},
    ),
    "roles.rbac.authorization.k8s.io": _namespaced(RBAC, "roles", {"rules": RULES}),
    "rolebindings.rbac.authorization.k8s.io": _namespaced(
        RBAC,
        "rolebindings",
        {"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "none"}},
    ),
    "networkpolicies.networking.k8s.io": _namespaced(
        "/apis/networking.k8s.io/v1", "networkpolicies", {"spec": {"podSelector": {"matchLabels": {"app": "none"}}}}
    ),
    "clusterroles.rbac.authorization.k8s.io": lambda name: (
        f"{RBAC}/clusterroles",
        {"metadata": {"name": CLUSTER_WIDE.format(name), "labels": LABELS}, "rules": []},
    ),
}


def chosen(lists: Counter[str]) -> list[str]:
    """The kinds to make, out of what a run lists: all that can be made here, the most listed first."""
    return [kind for kind, _count in lists.most_common() if kind in MAKERS]


def objects(kinds: Sequence[str], first: int, last: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """The foreign objects with these numbers, their kinds in turns; without the last."""
    for number in range(first, last):
        yield MAKERS[kinds[number % len(kinds)]](f"foreign-{number}")


def measure(site: Site, sizes: Sequence[int], rounds: int) -> list[Figure]:
    """Seconds of a converged run with none and with each number of foreign objects; afterwards they are gone."""
    api = site.api()
    played = [converged(site) for _round in range(rounds)]
    none = [run.seconds for run in played]
    kinds = chosen(site.requests(played[-1]).lists)
    print(f"  foreign objects of {', '.join(kinds)}", flush=True)
    figures = [Figure("converged, 0 foreign objects", "s", tuple(none))]
    api.ask("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    there = 0
    try:
        for size in sizes:
            api.create_all(objects(kinds, there, size))
            there = size
            site.calm()
            seconds = []
            for _round in range(rounds):
                seconds.append(converged(site).seconds)
                print(f"  with {size} foreign objects {seconds[-1]:6.1f} s   load {load_average()}", flush=True)
            figures.append(Figure(f"converged, {size} foreign objects", "s", tuple(seconds)))
            figures.append(ratio(f"converged, {size} foreign objects over none", seconds, none, at_most=1.5))
    finally:
        api.ask("DELETE", f"/api/v1/namespaces/{NAMESPACE}", missing=True)
        api.ask("DELETE", f"{RBAC}/clusterroles?labelSelector=app%3Dbench-foreign")
        api.gone(f"/api/v1/namespaces/{NAMESPACE}", 900)
    site.calm()
    return figures
