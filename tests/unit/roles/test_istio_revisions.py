"""The role istio on a real API server with the real charts: an upgrade beside the former control plane, and back.

There is no kubelet and no istiod: what these would say of pods and webhooks is said here, and the controllers of
Kubernetes draw their own conclusions. One istioctl stands for two versions; its charts are told which by tag and
revision.
"""

from __future__ import annotations

import base64
import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "unit" / "plugins" / "support"))

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster  # noqa: E402
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import KubeError  # noqa: E402
from api_server import ApiServer, running_api_server  # noqa: E402
from standing import until  # noqa: E402

OLD, NEW, REVISION = "1.30.5", "1.31.1", "1-31-1"
NOWHERE = "nowhere"  # the tag of an image that no registry has
MERGE = "application/merge-patch+json"
HOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


def istioctl() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "selfhosted-serverless", "bin")
    found = [path for path in cache.glob("istio-*/*/istioctl") if path.is_file()]
    if not found:
        pytest.fail("istioctl is needed and is not in the lab's cache; build it with: make lab")
    return max(found, key=lambda path: path.stat().st_mtime)


class Node:
    """Says what a kubelet says of its pods, and an istiod of its webhooks."""

    def __init__(self, server: ApiServer) -> None:
        self.cluster = Cluster.connect("test", str(server.kubeconfig))
        self.authority = base64.b64encode(server.pki.ca_certificate.read_bytes()).decode()
        self.cluster.create({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "one"}})
        self._addresses = (f"10.9.0.{number}" for number in itertools.count(1))
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._thread.join(20)

    def _run(self) -> None:
        while not self._end.wait(0.3):
            with suppress(KubeError):  # something may be gone between two requests
                for pod in self.cluster.list("v1", "Pod"):
                    self._pod(pod)
                for kind in HOOKS:
                    for item in self.cluster.list("admissionregistration.k8s.io/v1", kind):
                        self._webhook(kind, item)

    def _pod(self, pod: dict[str, Any]) -> None:
        metadata = pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        if "deletionTimestamp" in metadata:
            self.cluster.transport.call("DELETE", path, body={"gracePeriodSeconds": 0})
            return
        if not pod["spec"].get("nodeName"):
            target = {"apiVersion": "v1", "kind": "Node", "name": "one"}
            body = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": metadata["name"]}, "target": target}
            self.cluster.transport.call("POST", f"{path}/binding", body=body)
        images = [container["image"] for container in pod["spec"]["containers"]]
        if pod["status"].get("phase") == "Pending" and not any(image.endswith(NOWHERE) for image in images):
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            ready, address = {"type": "Ready", "status": "True", "lastTransitionTime": now}, next(self._addresses)
            status = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "conditions": [ready]}
            self.cluster.transport.call("PATCH", f"{path}/status", body={"status": status}, content_type=MERGE)

    def _webhook(self, kind: str, item: dict[str, Any]) -> None:
        hooks = item["webhooks"]
        policy = "Fail" if kind.startswith("Validating") else hooks[0]["failurePolicy"]
        if all(hook["clientConfig"].get("caBundle") and hook["failurePolicy"] == policy for hook in hooks):
            return
        for hook in hooks:
            hook["clientConfig"]["caBundle"], hook["failurePolicy"] = self.authority, policy
        path = f"/apis/admissionregistration.k8s.io/v1/{kind.lower()}s/{item['metadata']['name']}"
        self.cluster.transport.call("PATCH", path, body={"webhooks": hooks}, content_type=MERGE)


class Role:
    """Runs the role; gives the exit code, the number of changed tasks, and what was printed, in one line."""

    def __init__(self, directory: Path, server: ApiServer) -> None:
        self.directory, self.server = directory, server
        self.cluster = Cluster.connect("test", str(server.kubeconfig))
        self.istioctl = istioctl()
        asked = [str(self.istioctl), "version", "--remote=false", "--short"]
        told = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
        self.version = told.rpartition(":")[2].strip()

    def run(self, version: str, **options: Any) -> tuple[int, int, str]:
        variables = {
            "serverless_context": "test",
            "serverless_kubeconfig": str(self.server.kubeconfig),
            "serverless_work_dir": str(self.directory / "work"),
            "istio_version": version,
            "istio_istioctl": {"path": str(self.istioctl), "version": self.version},
            "istio_gateway_service_type": "NodePort",
            "istio_wait_timeout": 120,
            **options,
        }
        task = {"ansible.builtin.include_role": {"name": "selfhosted.serverless.istio"}}
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": variables, "tasks": [task]}
        (self.directory / "play.yml").write_text(yaml.safe_dump([play]))
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".venv" / "collections"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "0",
        }
        command = [str(Path(sys.executable).with_name("ansible-playbook")), str(self.directory / "play.yml")]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=300)
        output = done.stdout + done.stderr
        return done.returncode, int(output.rpartition("changed=")[2].split()[0]), " ".join(output.split())

    def standing(self) -> tuple[list[str], list[str]]:
        """The names of the Deployments, and of the webhooks that inject."""
        deployments = self.cluster.list("apps/v1", "Deployment", "istio-system")
        injectors = self.cluster.list("admissionregistration.k8s.io/v1", HOOKS[0])
        return tuple(sorted(item["metadata"]["name"] for item in items) for items in (deployments, injectors))  # type: ignore[return-value]


@pytest.fixture
def role(tmp_path: Path) -> Iterator[Role]:
    """The older version in place, and somebody's pod with a proxy of it."""
    with running_api_server(tmp_path) as server:
        node = Node(server)
        started = Role(tmp_path, server)
        code, _changed, output = started.run(OLD)
        assert code == 0, output
        started.cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "theirs"}})
        until(lambda: started.cluster.get("v1", "ServiceAccount", "default", "theirs"))
        proxy = {"name": "istio-proxy", "image": f"docker.io/istio/proxyv2:{OLD}"}
        metadata = {"name": "client", "namespace": "theirs", "annotations": {"istio.io/rev": "default"}}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [proxy]}}
        started.cluster.create(pod)
        yield started
        node.stop()


IN_PLACE = ["istio-ingressgateway", "istiod"], ["istio-sidecar-injector"]
BY_TAG = ["istio-revision-tag-default", f"istio-sidecar-injector-{REVISION}"]


def test_beside_the_former_one_until_nobody_uses_it_and_back(role: Role) -> None:
    canary = {"istio_upgrade": "canary", "istio_restart": "none"}
    code, changed, output = role.run(NEW, **canary)
    assert code == 0, output
    assert f"upgrade: Istio {OLD} → {NEW}" in output and f"istio is upgraded from {OLD} to {NEW}" in output
    assert "Deployment istio-system/istiod stays, because it is used: Pod theirs/client" in output
    assert role.standing() == (["istio-ingressgateway", "istiod", f"istiod-{REVISION}"], BY_TAG)
    code, changed, output = role.run(NEW, **canary)
    assert (code, changed) == (0, 0), output
    role.cluster.delete("v1", "Pod", "client", "theirs")
    until(lambda: role.cluster.get("v1", "Pod", "client", "theirs") is None)
    code, changed, output = role.run(NEW, **canary)
    assert (code, changed) == (0, 1), output
    assert role.standing() == (["istio-ingressgateway", f"istiod-{REVISION}"], BY_TAG)
    assert role.run(NEW, **canary)[:2] == (0, 0)
    code, changed, output = role.run(NEW)
    assert code == 0, output
    assert role.standing() == IN_PLACE
    assert role.run(NEW)[:2] == (0, 0)


def test_what_does_not_get_ready_goes_back_whole(role: Role) -> None:
    code, changed, output = role.run(NEW, istio_upgrade="canary", istio_tag=NOWHERE, istio_wait_timeout=20)
    assert code != 0
    assert f"The upgrade was taken back (istio from {NEW} to {OLD}), and what stood before is ready again" in output
    assert role.standing() == IN_PLACE
    code, changed, output = role.run(OLD)
    assert (code, changed) == (0, 0), output
