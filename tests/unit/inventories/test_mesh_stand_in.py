"""The lab's stand-in for the mesh's figures, as Kiali needs them: a real Envoy counts, a real Prometheus fetches.

The pods' facts, which Kubernetes tells Prometheus on a cluster, stand in the target's labels here.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from loopback_ports import free_port
from prometheus_process import PrometheusProcess, until

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests" / "unit" / "plugins" / "module_utils" / "content" / "support"))

from ansible_collections.selfhosted.serverless.plugins.module_utils.drills.topology import window  # noqa: E402
from ansible_collections.selfhosted.serverless.plugins.module_utils.releases.sets import read_releases  # noqa: E402
from module_proxy import unpacked  # noqa: E402

INVENTORY = ROOT / "inventories" / "lab" / "group_vars" / "clusters" / "observability.yml"
# What Kiali groups by: a series that lacks one of them is left out (graph/telemetry/istio/istio.go)
WANTED = {
    *("source_workload_namespace", "source_workload", "source_canonical_service", "source_canonical_revision"),
    *("destination_service_namespace", "destination_service", "destination_service_name"),
    *("destination_workload_namespace", "destination_workload"),
    *("destination_canonical_service", "destination_canonical_revision", "response_flags", "reporter"),
}
SERVICES = {
    "/v1": "outbound|80|v1|user.todo.svc.cluster.local",
    "/v2": "outbound|80|v2|user.todo.svc.cluster.local",
    "/rule": "outbound|80||rule.todo.svc.cluster.local",
    "/knative": "outbound|80||user-v1-1a2b3c4d.todo.svc.cluster.local",
    "/first": "outbound|80||web-00001.todo.svc.cluster.local",
}
DATABASE = "outbound|5432||database.todo.svc.cluster.local"
META = "__meta_kubernetes_"
INTERVAL = 2  # seconds between two looks of Prometheus


def envoy() -> Path:
    """The Envoy of the lab's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "selfhosted-serverless", "bin")
    found = [file for file in cache.glob("envoy-*/*/envoy") if file.is_file()]
    assert found, "this test needs the lab's Envoy; build it with: make lab"
    return max(found, key=lambda path: path.stat().st_mtime)


def stats_tags() -> list[dict[str, str]]:
    """How Istio's proxies make labels of names: the lines of its bootstrap template for the two that matter here."""
    [item] = [item for item in read_releases().content["istio"]["1.30.5"]["addons"] if item["name"] == "kiali.yaml"]
    [module] = [source["go_module"] for source in item["sources"] if "go_module" in source]
    text = unpacked(module, "tools/packaging/common/envoy_bootstrap.json").read_text()
    line = r'"(?:tag_name|regex)":[^\n]+'
    tags = [json.loads(f"{{{first} {second}}}") for first, second in re.findall(rf"({line})\n\s*({line})\n", text)]
    return [tag for tag in tags if tag["tag_name"] in ("cluster_name", "response_code")]


class Mesh:
    """An Envoy as a sidecar, what it calls, and a Prometheus that looks at it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.admin, self.http, self.tcp = (free_port() for _each in range(3))
        self._stack = contextlib.ExitStack()
        ThreadingHTTPServer.request_queue_size = 128
        self._backend = ThreadingHTTPServer(("127.0.0.1", 0), _Backend)
        threading.Thread(target=self._backend.serve_forever, args=(0.05,), daemon=True).start()
        self._stack.callback(self._backend.server_close)
        self._stack.callback(self._backend.shutdown)

    def start(self) -> None:
        bootstrap = self.directory / "envoy.json"
        bootstrap.write_text(json.dumps(self._bootstrap()))
        command = [str(envoy()), "-c", str(bootstrap), "--concurrency", "1", "--use-dynamic-base-id"]
        with (self.directory / "envoy.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        self._stack.callback(process.wait, 20)
        self._stack.callback(process.terminate)
        until(lambda: bool(self.get(self.admin, "/ready")), "Envoy is ready")
        config = {"global": {"scrape_interval": f"{INTERVAL}s"}, "scrape_configs": [self._job()]}
        self.prometheus = PrometheusProcess(self.directory / "prometheus", config)
        self._stack.callback(self.prometheus.stop)

    def stop(self) -> None:
        self._stack.close()

    def get(self, port: int, path: str) -> bytes:
        """The body of a 200; nothing for anything else."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
            return body if answer.status == 200 else b""
        except OSError:
            return b""
        finally:
            connection.close()

    def send(self, path: str, number: int) -> None:
        for _each in range(number):
            assert self.get(self.http, path) == b"ok"

    def _job(self) -> dict[str, Any]:
        """The inventory's job with one target, whose labels say what Kubernetes would."""
        inventory = DataLoader().load_from_file(str(INVENTORY), trusted_as_template=True)
        job = json.loads(json.dumps(inventory["__lab_mesh_stand_in"]))
        assert job.pop("kubernetes_sd_configs") == [{"role": "pod"}]
        labels = {
            f"{META}pod_container_port_name": "http-envoy-prom",
            f"{META}namespace": "todo",
            f"{META}pod_controller_kind": "ReplicaSet",
            f"{META}pod_controller_name": "web-7f6d5c4b3a",
            f"{META}pod_label_app": "web",
        }
        other = {**labels, f"{META}pod_container_port_name": "http"}
        targets = [f"127.0.0.1:{self.admin}"]
        job["static_configs"] = [{"targets": targets, "labels": labels}, {"targets": targets, "labels": other}]
        return job

    def _bootstrap(self) -> dict[str, Any]:
        backend = self._backend.server_address[1]
        names = [*SERVICES.values(), DATABASE, "inbound|8080||"]
        routes = [{"match": {"path": path}, "route": {"cluster": name}} for path, name in SERVICES.items()]
        router = {"@type": _type("extensions.filters.http.router.v3.Router")}
        manager = {
            "@type": _type("extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"),
            "stat_prefix": "web",
            "http_filters": [{"name": "router", "typed_config": router}],
            "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        }
        proxy = {
            "@type": _type("extensions.filters.network.tcp_proxy.v3.TcpProxy"),
            "stat_prefix": "database",
            "cluster": DATABASE,
        }
        return {
            "admin": {"address": _address(self.admin)},
            "stats_config": {
                "use_all_default_tags": False,
                "stats_tags": stats_tags(),
                "stats_matcher": {"inclusion_list": {"patterns": [{"prefix": "cluster.outbound"}]}},
            },
            "static_resources": {
                "listeners": [_listener("http", self.http, manager), _listener("tcp", self.tcp, proxy)],
                "clusters": [_cluster(name, backend) for name in names],
            },
        }


class _Backend(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_args: object) -> None:
        pass


def _type(name: str) -> str:
    return f"type.googleapis.com/envoy.{name}"


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _listener(name: str, port: int, config: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "address": _address(port),
        "filter_chains": [{"filters": [{"name": name, "typed_config": config}]}],
    }


def _cluster(name: str, port: int) -> dict[str, Any]:
    """As pilot names it in statistics: with a semicolon at its end (DelimitedStatsPrefix)."""
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": _address(port)}}]}]
    return {
        "name": name,
        "alt_stat_name": f"{name};",
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": name, "endpoints": endpoints},
    }


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mesh]:
    mesh = Mesh(tmp_path_factory.mktemp("mesh"))
    try:
        mesh.start()
        for path in SERVICES:
            mesh.send(path, 20)
        assert mesh.get(mesh.tcp, "/").startswith(b"ok")
        until(
            lambda: len(mesh.prometheus.query("istio_requests_total == 20")) == len(SERVICES),
            "Prometheus has all requests",
        )
        until(lambda: len(mesh.prometheus.query('{__name__=~"istio_tcp_.+"} > 0')) == 2, "Prometheus has the bytes")
        yield mesh
    finally:
        mesh.stop()


def test_requests_have_what_kiali_groups_by(mesh: Mesh) -> None:
    found = {}
    for series in mesh.prometheus.query("istio_requests_total"):
        labels = series["metric"]
        assert set(labels) >= WANTED | {"request_protocol", "response_code"} and "cluster_name" not in labels
        assert labels["source_workload_namespace"] == labels["destination_workload_namespace"] == "todo"
        assert (labels["source_workload"], labels["source_canonical_service"]) == ("web", "web")
        assert (labels["reporter"], labels["request_protocol"], labels["response_code"]) == ("source", "http", "200")
        key = labels["destination_service_name"], labels["destination_canonical_revision"]
        found[key] = labels["destination_canonical_service"], labels["destination_workload"]
    assert found == {
        ("user", "v1"): ("user", "user-v1"),
        ("user", "v2"): ("user", "user-v2"),
        ("rule", "latest"): ("rule", "rule"),
        ("user-v1-1a2b3c4d", "v1"): ("user", "user-v1-1a2b3c4d"),
        ("web-00001", "latest"): ("web", "web-00001"),
    }


def test_bytes_are_those_of_the_database_alone(mesh: Mesh) -> None:
    for name in ("istio_tcp_sent_bytes_total", "istio_tcp_received_bytes_total"):
        [series] = mesh.prometheus.query(name)
        labels = series["metric"]
        assert set(labels) >= WANTED and labels["destination_service"] == "database.todo.svc.cluster.local"
        assert float(series["value"][1]) > 0


def test_nothing_else_is_fetched(mesh: Mesh) -> None:
    names = {series["metric"]["__name__"] for series in mesh.prometheus.query('{job="lab-mesh-stand-in"}')}
    ours = {name for name in names if not name.startswith(("up", "scrape_"))}
    assert ours == {"istio_requests_total", "istio_tcp_sent_bytes_total", "istio_tcp_received_bytes_total"}


def test_kialis_rate_over_the_drills_window_is_the_number_that_was_sent(mesh: Mesh) -> None:
    """The formula of the drill topology against Prometheus' own rate(); without it there would be a fifth more."""
    time.sleep(2 * INTERVAL)
    begin = time.time()
    mesh.send("/v1", 40)
    time.sleep(3 * INTERVAL)
    seen = window(begin, time.time(), INTERVAL)
    one = 'istio_requests_total{destination_service_name="user",destination_canonical_revision="v1"}'
    [series] = mesh.prometheus.query(f"sum(rate({one}[{seen.seconds}s])) > 0", seen.end)
    rate = round(float(series["value"][1]), 2)
    assert rate * seen.covered == pytest.approx(40, abs=2)
    assert rate * seen.seconds > 44
