"""A control plane that is OpenShift to its clients: its CRDs, its OAuth server, and a front that tells of it.

The API server is Kubernetes' own. What OpenShift's has besides, the front answers: where to log in, and the tokens that
are stored (group oauth.openshift.io), which another API server serves there. Everything else is passed on as it is.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.access import Access
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.sources import documents_of, locate_all
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from api_server import ApiServer, find_binaries
from fault_proxy import Fault, FaultProxy, ProxyHandler, Upstream
from oauth_server import REVIEWS, OAuthServer
from throwaway_pki import Pki

METADATA = "/.well-known/oauth-authorization-server"
TOKENS = "/apis/oauth.openshift.io/v1/oauthaccesstokens/"
USER, PASSWORD = "developer", "test-only, w\N{LATIN SMALL LETTER O WITH DIAERESIS}rd"
VERSION = "4.20.3"
APPS_DOMAIN = "apps.test.example"

# The CRDs of OpenShift as its API's module has them, by file, with its sha256
_MODULE = "github.com/openshift/api@v0.0.0-20260320151444-324a1bcb9f55"
_SUM = "h1:2h6bqs9ua3wrsQnxEbzys3/n5IohLC7Dyb/KgaVYC/A="
_CONFIG = "config/v1/zz_generated.crd-manifests/0000"
# Those that MicroShift has, too
MICROSHIFT = {
    "route/v1/zz_generated.crd-manifests/routes.crd.yaml": (
        "d35625a8448d4cdc0768a3860dc9b92af946026a699024faf9e1d4918e42c647"
    ),
    "security/v1/zz_generated.crd-manifests/0000_03_config-operator_01_securitycontextconstraints.crd.yaml": (
        "4194732f477a0a113da682ee3685f9edc6fc9df506ec4802575455db51a133c2"
    ),
}
CRDS: Mapping[str, str] = MappingProxyType(
    {
        **MICROSHIFT,
        f"{_CONFIG}_00_cluster-version-operator_01_clusterversions-Default.crd.yaml": (
            "10b91f51a922ff39a529ab2c1b6e049cbe1ca929d9f815c9b4880c7d66a204ab"
        ),
        f"{_CONFIG}_10_config-operator_01_ingresses.crd.yaml": (
            "40cce8a21f6f97e0c80f8643d1579e667e71bf7bd15efcfb815314efaab31379"
        ),
        f"{_CONFIG}_10_config-operator_01_infrastructures-Default.crd.yaml": (
            "00d9fd4844041f10fb78e65563ea8b86569c4922fd619e14b0ed2a7034f01582"
        ),
        f"{_CONFIG}_10_config-operator_01_imagedigestmirrorsets.crd.yaml": (
            "40bf21cbfdb607cf8fdc2e9aafb19b71ef331683b8050a374beccfc2038b3b7e"
        ),
        f"{_CONFIG}_10_config-operator_01_imagetagmirrorsets.crd.yaml": (
            "a2a45a1f3a8f5a1bc61bf6c1344463480baf4c0cb601cca2f5fa20e51e66c461"
        ),
        "operator/v1alpha1/zz_generated.crd-manifests/0000_10_config-operator_01_imagecontentsourcepolicies.crd.yaml": (
            "d1a92c6997bf38bb5f0519342d9c31b6093bd18efb7ef661cc6dfb61836eb064"
        ),
    }
)


def crds(files: Mapping[str, str] = CRDS, module: str = _MODULE, sum_: str = _SUM) -> list[dict[str, Any]]:
    """CRDs out of a Go module, by file and checksum, from the module cache, the proxy, or what was kept of them."""
    items = [
        {"name": path, "go_module": module, "sum": sum_, "path": path, "sha256": sha256}
        for path, sha256 in files.items()
    ]
    return [document for source in locate_all(items, Access()) for document in documents_of(source) if document]


class OpenShiftApi(ApiServer):
    """`kubeconfig` has the context 'test' of an administrator, who goes past the front.

    `user_kubeconfig(path)` is that of somebody who has yet to log in, through the front.
    """

    def __init__(self, binaries: dict[str, Path], directory: Path) -> None:
        super().__init__(binaries, directory)
        # The OAuth server is reached through the router, whose certificate is of another authority.
        self.ingress_pki = Pki(directory / "ingress-pki", "ingress-operator")
        self.oauth = OAuthServer(self.ingress_pki, {USER: PASSWORD})

    def start(self) -> None:
        self.oauth.start()
        super().start()
        pki = self.pki
        server = (pki.server_certificate, pki.server_key)
        self.front = FaultProxy(
            Upstream("127.0.0.1", self.port, pki.ca_certificate, server, None), _front_of(self.oauth)
        )

    def stop(self) -> None:
        if hasattr(self, "front"):
            self.front.stop()
        super().stop()
        self.oauth.stop()

    def more_arguments(self) -> list[str]:
        config = self.directory / "webhook.kubeconfig"
        cluster = {
            "server": f"{self.oauth.url}{REVIEWS}",
            "certificate-authority": str(self.ingress_pki.ca_certificate),
        }
        config.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [{"name": "oauth", "cluster": cluster}],
                    "users": [{"name": "nobody", "user": {}}],
                    "contexts": [{"name": "oauth", "context": {"cluster": "oauth", "user": "nobody"}}],
                    "current-context": "oauth",
                }
            )
        )
        return [
            f"--authentication-token-webhook-config-file={config}",
            "--authentication-token-webhook-version=v1",
            "--authentication-token-webhook-cache-ttl=0s",  # a token that is revoked is refused at once
        ]

    def administrator(self) -> Cluster:
        """A client with all rights."""
        return Cluster.connect("test", str(self.kubeconfig))

    def install(self, files: Mapping[str, str] = CRDS) -> None:
        """Apply CRDs of OpenShift, and, where it has them, say which version this is."""
        cluster = self.administrator()
        for document in crds(files):
            cluster.apply(document)
        await_served(cluster, crds(files))
        if files is not CRDS:
            return
        self.store(cluster, _VERSION)
        self.store(cluster, _INGRESS)

    @staticmethod
    def store(cluster: Cluster, document: dict[str, Any]) -> None:
        """Apply an object of a cluster's scope with its status."""
        cluster.apply({key: value for key, value in document.items() if key != "status"})
        resource = cluster.resource(document["apiVersion"], document["kind"])
        path = f"{resource.path(None, document['metadata']['name'])}/status"
        body = {key: value for key, value in document.items() if key != "spec"}
        query = {"fieldManager": "test", "force": "true"}
        cluster.transport.call("PATCH", path, query=query, body=body, content_type="application/apply-patch+yaml")

    def user_kubeconfig(self, path: Path, context: str = "test", **user: Any) -> Path:
        """A kubeconfig as `oc login` writes it; `user` is what it holds of the user, nothing at all by default."""
        cluster = {"server": self.front.url, "certificate-authority-data": self.pki.inline(self.pki.ca_certificate)}
        chosen = {"cluster": "front", "namespace": "default", **({"user": USER} if user else {})}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "front", "cluster": cluster}],
            "users": [{"name": USER, "user": user}] if user else [],
            "contexts": [{"name": context, "context": chosen}],
        }
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(config))
        return path

    def grant(self, user: str = USER) -> None:
        """Make a user the administrator of all."""
        self.administrator().apply(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": f"all-for-{user}"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
            }
        )


_RELEASE = "quay.example/openshift-release-dev/ocp-release@sha256:" + "0" * 64
_VERSION = {
    "apiVersion": "config.openshift.io/v1",
    "kind": "ClusterVersion",
    "metadata": {"name": "version"},
    "spec": {"clusterID": "00000000-0000-4000-8000-000000000000", "channel": "stable-4.20"},
    "status": {
        "availableUpdates": None,
        "desired": {"image": _RELEASE, "version": VERSION},
        "history": [
            {
                "completionTime": "2026-11-01T00:00:00Z",
                "startedTime": "2026-11-01T00:00:00Z",
                "image": _RELEASE,
                "state": "Completed",
                "verified": True,
                "version": VERSION,
            }
        ],
        "observedGeneration": 1,
        "versionHash": "x",
    },
}
_INGRESS = {
    "apiVersion": "config.openshift.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "cluster"},
    "spec": {"domain": APPS_DOMAIN},
    "status": {"defaultPlacement": "Workers"},
}


def await_served(cluster: Cluster, documents: list[dict[str, Any]]) -> None:
    """Return once the API server serves what CRDs define: it does so some moments after it has stored them."""
    for crd in documents:
        spec = crd["spec"]
        api_version = f"{spec['group']}/{next(one['name'] for one in spec['versions'] if one['served'])}"
        end = time.monotonic() + 30
        while cluster.discovery.look_up(api_version, spec["names"]["kind"]) is None:
            assert time.monotonic() < end, f"{crd['metadata']['name']} is not served"
            time.sleep(0.1)


def _front_of(oauth: OAuthServer) -> type[ProxyHandler]:
    class Front(ProxyHandler):
        """What OpenShift's API server answers, and Kubernetes' does not."""

        def handle_request(self, body: bytes) -> None:
            if self.path == METADATA:
                fault = self.owner.next_fault(self.command, self.path)
                if isinstance(fault, Fault):
                    return self.answer(int(fault.action), fault.body, fault.headers)
                return self._json(200, oauth.metadata)
            if self.path.startswith(TOKENS) and self.command == "DELETE":
                return self._revoke(self.path.removeprefix(TOKENS))
            super().handle_request(body)

        def _revoke(self, name: str) -> None:
            # By the role system:oauth-token-deleter everybody may, and the name of an object is no secret's.
            fault = self.owner.next_fault(self.command, self.path)
            if isinstance(fault, Fault):
                return self.answer(int(fault.action), fault.body, fault.headers)
            status = {"kind": "Status", "apiVersion": "v1", "metadata": {}}
            if oauth.revoke(name):
                return self._json(200, {**status, "status": "Success"})
            self._json(
                404, {**status, "status": "Failure", "reason": "NotFound", "code": 404, "details": {"name": name}}
            )

        def _json(self, status: int, answer: dict[str, Any]) -> None:
            self.answer(status, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    return Front


@contextmanager
def running_openshift(directory: Path, files: Mapping[str, str] = CRDS) -> Iterator[OpenShiftApi]:
    """A control plane with CRDs of OpenShift; with MICROSHIFT alone it is MicroShift to its clients."""
    server = OpenShiftApi(find_binaries(), directory)
    try:
        server.start()
        server.install(files)
        yield server
    finally:
        server.stop()
