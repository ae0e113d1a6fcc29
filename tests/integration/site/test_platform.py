"""metrics-server, Istio's sidecars, Knative Eventing."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import pytest

from ..conftest import Site, client_manifest, until


@pytest.fixture
def namespace(site: Site) -> Iterator[str]:
    """A namespace of its own for one test."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    site.kubectl("create", "namespace", name)
    yield name
    site.kubectl("delete", "namespace", name, "--wait=false")


def start_client(site: Site, namespace: str, name: str = "client") -> None:
    """Start a client pod and wait until it is ready."""
    site.kubectl("apply", "-f", "-", given=client_manifest(namespace, name))
    site.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "-n", namespace, "--timeout=120s")


def test_nodes_and_pods_have_figures(site: Site) -> None:
    nodes = site.kubectl("top", "nodes", "--no-headers").splitlines()
    pods = site.kubectl("top", "pods", "-A", "--no-headers").splitlines()
    assert len(nodes) == len(site.objects("nodes"))
    assert any("istiod" in line for line in pods)


def test_a_pod_in_an_injected_namespace_is_reached_through_its_sidecar(site: Site, namespace: str) -> None:
    site.kubectl("label", "namespace", namespace, "istio-injection=enabled")
    strict = {
        "apiVersion": "security.istio.io/v1",
        "kind": "PeerAuthentication",
        "metadata": {"name": "default", "namespace": namespace},
        "spec": {"mtls": {"mode": "STRICT"}},
    }
    site.kubectl("apply", "-f", "-", given=json.dumps(strict))
    start_client(site, namespace, "server")
    start_client(site, namespace)
    site.kubectl("expose", "pod", "server", "-n", namespace, "--port=80", "--target-port=8080")
    pod = json.loads(site.kubectl("get", "pod", "server", "-n", namespace, "-o", "json"))
    containers = pod["spec"]["containers"] + pod["spec"].get("initContainers", [])
    assert "istio-proxy" in {container["name"] for container in containers}

    url = f"http://server.{namespace}.svc.cluster.local/"
    code = f"import urllib.request as r\na=r.urlopen({url!r})\nprint(a.status, a.headers['server'])"
    reached = until(
        "the server is reached through its sidecar",
        lambda: site.kubectl(
            "exec", "-n", namespace, "client", "-c", "client", "--", "python3", "-c", code, check=False
        ),
        60,
    )
    assert reached.split() == ["200", "envoy"]

    # Without a sidecar there is no mTLS, which the server's sidecar demands: so the sidecar is what answers.
    site.kubectl("label", "namespace", namespace, "istio-injection-")
    start_client(site, namespace, "outsider")
    refused = (
        f"import urllib.request as r\ntry: print(r.urlopen({url!r}, timeout=5).status)\n"
        "except OSError as error: print('refused', error)"
    )
    said = site.kubectl("exec", "-n", namespace, "outsider", "-c", "client", "--", "python3", "-c", refused)
    assert said.startswith("refused")


SUBSCRIBER = """
import http.server, sys
class Subscriber(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['content-length']))
        print('EVENT', self.headers['ce-id'], body.decode(), flush=True)
        self.send_response(202)
        self.end_headers()
http.server.HTTPServer(('', 8080), Subscriber).serve_forever()
"""


def test_an_event_sent_to_a_broker_arrives_at_its_subscriber(site: Site, namespace: str) -> None:
    subscriber = json.loads(client_manifest(namespace, "subscriber"))
    subscriber["spec"]["containers"][0]["command"] = ["python3", "-c", SUBSCRIBER]
    site.kubectl("apply", "-f", "-", given=json.dumps(subscriber))
    start_client(site, namespace)
    site.kubectl("wait", "--for=condition=Ready", "pod/subscriber", "-n", namespace, "--timeout=120s")
    site.kubectl("expose", "pod", "subscriber", "-n", namespace, "--port=80", "--target-port=8080")
    reference = {"apiVersion": "v1", "kind": "Service", "name": "subscriber"}
    for kind, name, spec in (
        ("Broker", "default", {}),
        ("Trigger", "all", {"broker": "default", "subscriber": {"ref": reference}}),
    ):
        document = {
            "apiVersion": "eventing.knative.dev/v1",
            "kind": kind,
            "metadata": {"name": name, "namespace": namespace},
            "spec": spec,
        }
        site.kubectl("apply", "-f", "-", given=json.dumps(document))
    site.kubectl("wait", "--for=condition=Ready", "broker/default", "trigger/all", "-n", namespace, "--timeout=180s")

    event = uuid.uuid4().hex
    url = f"http://broker-ingress.knative-eventing.svc.cluster.local/{namespace}/default"
    headers = {
        "ce-specversion": "1.0",
        "ce-type": "test",
        "ce-source": "/tests",
        "ce-id": event,
        "content-type": "text/plain",
    }
    send = (
        "import urllib.request as r\n"
        f"print(r.urlopen(r.Request({url!r}, data='你好'.encode(), headers={headers!r}, method='POST')).status)"
    )
    assert site.python(send, namespace=namespace).split() == ["202"]
    until(
        "the event is in the subscriber's log",
        lambda: f"EVENT {event} 你好" in site.kubectl("logs", "subscriber", "-n", namespace),
        60,
    )
