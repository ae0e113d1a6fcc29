"""A front before a real API server that serves what openshift_discovery.yml says of OpenShift.

What the API server has (Kubernetes, the CRDs that a test has installed) it answers itself. Of all else the front tells
discovery, and has no objects, save those that OpenShift's aggregated servers show of Kubernetes' own: projects, and the
roles and bindings of the group authorization.openshift.io.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from fault_proxy import FaultProxy, ProxyHandler, Upstream
from openshift_api import OpenShiftApi

_FILE = Path(__file__).with_name("openshift_discovery.yml")
_ALL = "create delete deletecollection get list patch update watch"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
# What is shown under another name, and where it is: openshift-apiserver pkg/project and pkg/authorization
VIEWS = {
    ("project.openshift.io/v1", "projects"): ("/api/v1", "namespaces"),
    **{
        ("authorization.openshift.io/v1", name): (_RBAC, name)
        for name in ("roles", "rolebindings", "clusterroles", "clusterrolebindings")
    },
}

Rows = dict[str, dict[str, dict[str, Any]]]


def recorded() -> Rows:
    """What OpenShift serves besides Kubernetes: by API version and resource an entry of aggregated discovery."""
    found: Rows = {}
    for part in yaml.safe_load(_FILE.read_text()).values():
        for api_version, rows in part.items():
            for resource, kind, namespaced, *verbs in rows:
                found.setdefault(api_version, {})[resource] = {
                    "resource": resource,
                    "responseKind": {"group": api_version.partition("/")[0], "version": "v1", "kind": kind},
                    "scope": "Namespaced" if namespaced else "Cluster",
                    "verbs": (verbs[0] if verbs else _ALL).split(),
                }
    return found


class RecordedOpenShift:
    """`write_kubeconfig(path)` leads through the front; `requests` is what was asked for."""

    def __init__(self, server: OpenShiftApi) -> None:
        self._server = server
        pki = server.pki
        admin = (pki.admin_certificate, pki.admin_key)
        tls = (pki.server_certificate, pki.server_key)
        self.front = FaultProxy(Upstream("127.0.0.1", server.port, pki.ca_certificate, tls, admin), _handler())

    def write_kubeconfig(self, path: Path) -> None:
        """One with the context 'test'."""
        self._server.write_kubeconfig(path, self.front.url)

    def stop(self) -> None:
        self.front.stop()


def _handler() -> type[ProxyHandler]:
    rows = recorded()

    class Recorded(ProxyHandler):
        def handle_request(self, body: bytes) -> None:
            path, _mark, query = self.path.partition("?")
            if path == "/apis" and "APIGroupDiscoveryList" in self.headers.get("Accept", ""):
                return self._discovery(body)
            parts = path.strip("/").split("/")
            if len(parts) < 4 or parts[0] != "apis":
                return super().handle_request(body)
            api_version, rest = f"{parts[1]}/{parts[2]}", parts[3:]
            namespace = rest[1] if rest[0] == "namespaces" and len(rest) > 2 else ""
            resource, *name = rest[2:] if namespace else rest
            entry = rows.get(api_version, {}).get(resource)
            if entry is None or self._is_served(api_version, resource):
                return super().handle_request(body)
            if (api_version, resource) in VIEWS:
                return self._view(api_version, resource, entry["responseKind"]["kind"], body)
            self.owner.next_fault(self.command, self.path)
            if self.command == "GET" and not name:
                kind = f"{entry['responseKind']['kind']}List"
                return self._json(200, {"apiVersion": api_version, "kind": kind, "metadata": {}, "items": []})
            self._json(404, _not_found(name[0] if name else "", api_version, resource))

        def _discovery(self, body: bytes) -> None:
            self.owner.next_fault(self.command, self.path)
            response, connection = self.owner.forward(self, body)
            answer = json.loads(response.read())
            connection.close()
            groups = {group["metadata"]["name"]: group for group in answer["items"]}
            for api_version, resources in rows.items():
                name, _slash, version = api_version.partition("/")
                group = groups.setdefault(name, {"metadata": {"name": name}, "versions": []})
                served = next((one for one in group["versions"] if one["version"] == version), None)
                if served is None:
                    served = {"version": version, "resources": [], "freshness": "Current"}
                    group["versions"].append(served)
                there = {one["resource"] for one in served["resources"]}
                served["resources"] += [one for key, one in resources.items() if key not in there]
            content = {"Content-Type": response.headers["Content-Type"]}
            self.answer(200, json.dumps({**answer, "items": list(groups.values())}).encode(), content)

        def _is_served(self, api_version: str, resource: str) -> bool:
            """Whether the API server behind has it, as of a CRD that was installed."""
            response, connection = self.owner.forward(_Question(f"/apis/{api_version}"), b"")  # type: ignore[arg-type]
            text = response.read()
            connection.close()
            answer = json.loads(text) if response.status == 200 else {}
            return any(one["name"] == resource for one in answer.get("resources") or [])

        def _view(self, api_version: str, resource: str, kind: str, body: bytes) -> None:
            self.owner.next_fault(self.command, self.path)
            place, name = VIEWS[api_version, resource]
            self.path = self.path.replace(f"/apis/{api_version}", place).replace(f"/{resource}", f"/{name}")
            response, connection = self.owner.forward(self, body)
            answer = json.loads(response.read())
            connection.close()
            if isinstance(answer.get("items"), list):
                is_partial = answer["kind"].startswith("Partial")
                answer["kind"] = answer["kind"] if is_partial else f"{kind}List"
                answer["apiVersion"] = answer["apiVersion"] if is_partial else api_version
            elif response.status == 200 and "metadata" in answer:
                answer |= {"kind": kind, "apiVersion": api_version}
            self._json(response.status, answer)

        def _json(self, status: int, answer: dict[str, Any]) -> None:
            self.answer(status, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    return Recorded


class _Question:
    """A request of the front's own."""

    command = "GET"
    headers: dict[str, str] = {"Accept": "application/json"}  # noqa: RUF012

    def __init__(self, path: str) -> None:
        self.path = path


def _not_found(name: str, api_version: str, resource: str) -> dict[str, Any]:
    group = api_version.partition("/")[0]
    details = {"name": name, "group": group, "kind": resource}
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "reason": "NotFound"}
    return {**status, "code": 404, "message": f'{resource}.{group} "{name}" not found', "details": details}


__all__ = ["RecordedOpenShift", "recorded"]
