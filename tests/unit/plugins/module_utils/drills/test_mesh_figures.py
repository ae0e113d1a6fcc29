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
from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.topology import counts_of_knative
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


# As Knative's exporter writes them: what a queue-proxy counts, and what the activator does
QUEUE = """\
# TYPE kn_serving_invocation_duration_seconds histogram
kn_serving_invocation_duration_seconds_bucket{http_response_status_code="200",le="+Inf"} %d
kn_serving_invocation_duration_seconds_sum{http_response_status_code="200"} 1.5
kn_serving_invocation_duration_seconds_count{http_response_status_code="200"} %d
"""
ACTIVATOR = """\
# TYPE http_server_request_duration_seconds histogram
http_server_request_duration_seconds_bucket{%(labels)s,le="+Inf"} %(number)d
http_server_request_duration_seconds_sum{%(labels)s} 1.5
http_server_request_duration_seconds_count{%(labels)s} %(number)d
"""


class Figured:
    """Answers with figures as Knative's programs offer them; `served` is how many requests each has had."""

    def __init__(self) -> None:
        self.served = 10
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(outer.text(self.path).encode())

            def log_message(self, *_args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.target = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def text(self, path: str) -> str:
        if path != "/activator":
            return QUEUE % (self.served, self.served)
        text = ""
        for service, revision in (("user", "user-v1-1a2b3c4d"), ("web", "web-00001"), ("web", "web-00002")):
            labels = f'kn_service_name="{service}",kn_revision_name="{revision}",k8s_namespace_name="todo"'
            text += ACTIVATOR % {"labels": labels, "number": self.served}
        return text

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def figured() -> Iterator[Figured]:
    made = Figured()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def prometheus(
    kubelet: KubeletPorts, figured: Figured, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PrometheusProcess]:
    """One that looks at pods every second."""
    directory = tmp_path_factory.mktemp("prometheus")
    labels = {"namespace": "todo", "serving_knative_dev_service": "user", "version": "v1"}
    queue = {"targets": [figured.target], "labels": labels}
    jobs = [
        {"job_name": "pods", "static_configs": [{"targets": [figured.target]}], "metrics_path": "/activator"},
        {"job_name": "knative-queue-proxy", "honor_labels": True, "static_configs": [queue], "metrics_path": "/queue"},
    ]
    process = PrometheusProcess(directory, {"global": {"scrape_interval": "1s"}, "scrape_configs": jobs})
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
    [series] = figures.query('count by (job) (up{job="pods"})', time.time())
    assert (series["metric"], series["value"][1]) == ({"job": "pods"}, "1")
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


def test_knatives_counts_are_what_grew(
    cluster: Cluster, prometheus: PrometheusProcess, kiali: Kiali, figured: Figured
) -> None:
    figures = Figures(cluster)
    until(lambda: prometheus.query("kn_serving_invocation_duration_seconds_count == 10"), "the first figures")
    begin = figures.now()
    figured.served = 17
    until(lambda: prometheus.query("kn_serving_invocation_duration_seconds_count == 17"), "the next figures")
    until(lambda: prometheus.query("http_server_request_duration_seconds_count == 17"), "those of the activator")
    counts = counts_of_knative(figures, "todo", begin, figures.now())
    assert counts.queue == {("user", "v1"): 7.0}
    assert counts.activator == {("user", "v1"): 7.0, ("web", ""): 14.0}
    with pytest.raises(DrillError, match="no figures of Knative's queue-proxies.*site.yml --tags knative"):
        counts_of_knative(figures, "nowhere", begin, figures.now())


def test_a_port_that_nobody_listens_on_is_told(cluster: Cluster, kubelet: KubeletPorts) -> None:
    with pytest.raises(ClusterError, match=f"port 7 of pod {HOME}/kiali: error forwarding port 7: .*refused"):
        ask(cluster, PodPort(HOME, "kiali", 7), Request("/"), silence=10)
