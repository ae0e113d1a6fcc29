"""Kiali and Prometheus asked through forwarded ports: a real API server, a real Prometheus, answers of Kiali's form."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.errors import DrillError
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.mesh_figures import Figures
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.port_forward import (
    PodPort,
    Request,
    ask,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ClusterError
from api_server import ApiServer, running_api_server
from kubelet_ports import KubeletPorts
from prometheus_process import PrometheusProcess, until
from releases import namespace

HOME = "istio-system"
MERGE = "application/merge-patch+json"
READY = {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}


class Kiali:
    """Answers as Kiali does, without a graph of its own: login by `strategy`, and what it was asked in `asked`."""

    def __init__(self) -> None:
        self.strategy = "anonymous"
        self.asked: list[dict[str, str]] = []
        self.tokens: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                url = urlsplit(self.path)
                if url.path == "/kiali/api/auth/info":
                    self._answer(200, {"strategy": outer.strategy})
                elif outer.strategy == "token" and "kiali-token=session" not in (self.headers["Cookie"] or ""):
                    self._answer(401, {"error": "Unauthorized"})
                elif url.path == "/kiali/api/namespaces/graph":
                    outer.asked.append({name: values[0] for name, values in parse_qs(url.query).items()})
                    self._answer(200, {"elements": {"nodes": [], "edges": []}})
                else:
                    self._answer(404, {"error": "not found"})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                outer.tokens += parse_qs(body)["token"]
                self._answer(200, {"username": "kiali"}, "kiali-token=session; Path=/kiali; HttpOnly")

            def _answer(self, status: int, document: Any, cookie: str = "") -> None:
                body = json.dumps(document).encode()
                self.send_response(status)
                if cookie:
                    self.send_header("Set-Cookie", cookie)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with running_api_server(tmp_path_factory.mktemp("api-server")) as server:
        yield server


@pytest.fixture(scope="module")
def cluster(api_server: ApiServer) -> Cluster:
    return Cluster.connect("test", str(api_server.kubeconfig))


@pytest.fixture(scope="module")
def kubelet(api_server: ApiServer, cluster: Cluster) -> Iterator[KubeletPorts]:
    """A node whose pods are Kiali and Prometheus, both ready."""
    with KubeletPorts(api_server.pki.server_certificate, api_server.pki.server_key) as kubelet:
        node, status = kubelet.node("here")
        cluster.apply(node)
        cluster.transport.call("PATCH", "/api/v1/nodes/here/status", body=status, content_type=MERGE)
        cluster.apply(namespace(HOME))
        for name in ("default", "kiali"):
            metadata = {"name": name, "namespace": HOME}
            cluster.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
        for name in ("kiali", "prometheus"):
            labels = {"app.kubernetes.io/name": name}
            spec = {
                "nodeName": "here",
                "containers": [{"name": "c", "image": "example.org/x"}],
                "automountServiceAccountToken": False,
            }
            metadata = {"name": name, "namespace": HOME, "labels": labels}
            cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
            path = f"/api/v1/namespaces/{HOME}/pods/{name}/status"
            cluster.transport.call("PATCH", path, body=READY, content_type=MERGE)
        yield kubelet


@pytest.fixture(scope="module")
def prometheus(kubelet: KubeletPorts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusProcess]:
    """One that looks at itself every second, as at a pod."""
    directory = tmp_path_factory.mktemp("prometheus")
    job = {"job_name": "pods", "static_configs": [{"targets": ["127.0.0.1:1"]}]}
    process = PrometheusProcess(directory, {"global": {"scrape_interval": "1s"}, "scrape_configs": [job]})
    kubelet.ports[9090] = int(process.url.rpartition(":")[2])
    yield process
    process.stop()


@pytest.fixture
def kiali(kubelet: KubeletPorts) -> Iterator[Kiali]:
    made = Kiali()
    kubelet.ports[20001] = made.port
    yield made
    made.stop()


def test_prometheus_is_asked_through_the_api_server(
    cluster: Cluster, kubelet: KubeletPorts, prometheus: PrometheusProcess, kiali: Kiali
) -> None:
    figures = Figures(cluster)
    until(lambda: _looks(prometheus) > 3, "Prometheus has looked")
    assert figures.interval() == pytest.approx(1.0, abs=0.3)
    assert figures.now() == pytest.approx(time.time(), abs=2)
    assert figures.counts('count by (job) (up{job="pods"})', "job", time.time()) == {"pods": 1.0}
    with pytest.raises(DrillError, match="Prometheus does not answer for sum.: status 400, .*parse error"):
        figures.query("sum(")
    assert any(path.startswith(f"/portForward/{HOME}/prometheus?port=9090") for path in kubelet.asked)


def _looks(prometheus: PrometheusProcess) -> int:
    return max((len(series["values"]) for series in prometheus.query('up{job="pods"}[1m]')), default=0)


@pytest.mark.parametrize("strategy", ["anonymous", "token"])
def test_kiali_is_asked_for_exactly_the_window_with_a_login_where_it_wants_one(
    cluster: Cluster, prometheus: PrometheusProcess, kiali: Kiali, strategy: str
) -> None:
    kiali.strategy = strategy
    assert Figures(cluster).graph(["todo", HOME], 90, 1795713683) == {"elements": {"nodes": [], "edges": []}}
    [asked] = kiali.asked
    assert (asked["namespaces"], asked["duration"], asked["queryTime"]) == (f"todo,{HOME}", "90s", "1795713683")
    assert (asked["graphType"], asked["rateTcp"]) == ("versionedApp", "total")
    assert len(kiali.tokens) == (strategy == "token")
    for token in kiali.tokens:  # one that the API server knows as Kiali's
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
        answer = cluster.transport.call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", body=review)
        assert answer["status"]["user"]["username"] == f"system:serviceaccount:{HOME}:kiali"


def test_another_login_is_told(cluster: Cluster, prometheus: PrometheusProcess, kiali: Kiali) -> None:
    kiali.strategy = "openid"
    with pytest.raises(DrillError, match="Kiali's login is by openid; the drill knows anonymous and token"):
        Figures(cluster)


def test_a_port_that_nobody_listens_on_is_told(cluster: Cluster, kubelet: KubeletPorts) -> None:
    with pytest.raises(ClusterError, match=f"port 7 of pod {HOME}/kiali: error forwarding port 7: .*refused"):
        ask(cluster, PodPort(HOME, "kiali", 7), Request("/"), silence=10)
