"""The role observability: what it makes of the addons in Istio's module, and what it plans on a real API server."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from debian_programs import debian_program
from prometheus_process import PrometheusProcess, until

ROOT = Path(__file__).resolve().parents[3]
PLUGINS = ROOT / "tests" / "unit" / "plugins"
sys.path[:0] = [str(PLUGINS / "support"), str(PLUGINS / "module_utils" / "content" / "support")]

from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster  # noqa: E402
from ansible_collections.selfhosted.serverless.plugins.module_utils.releases.sets import read_releases  # noqa: E402
from api_server import ApiServer, running_api_server  # noqa: E402
from module_proxy import ModuleProxy, module_zip  # noqa: E402
from releases import deployment, namespace  # noqa: E402
from standing import inventory_of, within  # noqa: E402

HOME = "istio-system"
WRITING = {"create", "update", "patch", "delete", "deletecollection", "*", "post"}
# What each set of options is to flip, by the name of its file
CASES: dict[str, dict[str, Any]] = {
    "plain": {},
    "at_nodes": {"observability_access": "node_port", "observability_node_port": 30092},
    "open": {
        "observability_access": "node_port",
        "observability_kiali_view_only": "false",
        "observability_network_policies": "false",
    },
    "changed": {
        "observability_scrape_interval": "5s",
        "observability_retention": "6h",
        "observability_scrape_configs": [{"job_name": "mine", "static_configs": [{"targets": ["mine:1"]}]}],
        "observability_prometheus_requests": {"cpu": "7m", "memory": "70Mi"},
        "observability_kiali_requests": {"cpu": "8m", "memory": "80Mi"},
        "observability_prometheus_namespaces": ["grafana"],
        "observability_overlays": [
            {"match": {"kind": "Service", "name": "prometheus"}, "patch": {"metadata": {"labels": {"mine": "yes"}}}}
        ],
    },
    "next": {"serverless_release": "knative-1.23"},
    "named": {
        "observability_version": "1.31.1",
        "observability_content": read_releases().content["istio"]["1.31.1"]["addons"],
    },
}


class Plays:
    """Runs plays on localhost against a real API server; the addons come from a module proxy on loopback alone."""

    def __init__(self, directory: Path, server: ApiServer, proxy: str) -> None:
        self.directory, self.server, self.proxy = directory, server, proxy

    def run(self, tasks: list[dict[str, Any]], *arguments: str, **variables: Any) -> tuple[int, str]:
        variables = {
            "serverless_context": "test",
            "serverless_content_places": ["go_module"],
            "serverless_go_proxy": self.proxy,
            **variables,
        }
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": variables, "tasks": tasks}
        file = self.directory / "play.yml"
        file.write_text(yaml.safe_dump([play]))
        environment = {
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".venv" / "collections"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "GOMODCACHE": str(self.directory / "no-modules"),
            "GOPROXY": "",
            "HOME": str(self.directory),
            "KUBECONFIG": str(self.server.kubeconfig),
            "XDG_CACHE_HOME": str(self.directory / "cache"),
        }
        command = [str(Path(sys.executable).with_name("ansible-playbook")), str(file), *arguments]
        output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        done = subprocess.run(command, **output, env=environment, check=False, timeout=600)
        return done.returncode, " ".join(done.stdout.split())


def role(tasks_from: str = "main", **variables: Any) -> dict[str, Any]:
    include = {"name": "selfhosted.serverless.observability", "tasks_from": tasks_from}
    return {"ansible.builtin.include_role": include, "vars": variables}


@pytest.fixture(scope="module")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    with running_api_server(tmp_path_factory.mktemp("api-server")) as server:
        yield server


@pytest.fixture(scope="module")
def plays(tmp_path_factory: pytest.TempPathFactory, api_server: ApiServer) -> Iterator[Plays]:
    for content in read_releases().content["istio"].values():
        module_zip(content["addons"][0]["sources"][1]["go_module"])
    proxy = ModuleProxy()
    yield Plays(tmp_path_factory.mktemp("plays"), api_server, proxy.url)
    proxy.stop()


@pytest.fixture(scope="module")
def rendered(plays: Plays) -> dict[str, dict[tuple[str, str], dict[str, Any]]]:
    """The documents of every case, by kind and name."""
    work = plays.directory / "rendered"
    tasks = [role("render", serverless_work_dir=str(work / case), **options) for case, options in CASES.items()]
    code, output = plays.run(tasks)
    assert code == 0, output
    found = {}
    for case in CASES:
        documents = yaml.safe_load_all((work / case / "observability.yaml").read_text())
        found[case] = {(item["kind"], item["metadata"]["name"]): item for item in documents if item}
    return found


def container(documents: dict[tuple[str, str], dict[str, Any]], name: str) -> dict[str, Any]:
    (found,) = documents["Deployment", name]["spec"]["template"]["spec"]["containers"]
    return found


def kiali_config(documents: dict[tuple[str, str], dict[str, Any]]) -> dict[str, Any]:
    return yaml.safe_load(documents["ConfigMap", "kiali"]["data"]["config.yaml"])


def prometheus_config(documents: dict[tuple[str, str], dict[str, Any]]) -> dict[str, Any]:
    return yaml.safe_load(documents["ConfigMap", "prometheus"]["data"]["prometheus.yml"])


def test_the_images_are_two_and_of_the_release_of_istio(rendered: Any) -> None:
    images = {case: {container(rendered[case], name)["image"] for name in ("prometheus", "kiali")} for case in rendered}
    assert images["plain"] == {"docker.io/prom/prometheus:v3.10.0", "quay.io/kiali/kiali:v2.26"}
    assert images["next"] == {"docker.io/prom/prometheus:v3.10.0", "quay.io/kiali/kiali:v2.27"}
    assert rendered["named"] == rendered["next"], "by the manifests and their version, in place of the set"


def test_nobody_tells_prometheus_over_the_network_what_to_do(rendered: Any) -> None:
    prometheus = container(rendered["plain"], "prometheus")
    assert "--web.enable-lifecycle" not in prometheus["args"]
    assert "--config.file=/etc/config/prometheus.yml" in prometheus["args"]
    assert prometheus["securityContext"]["readOnlyRootFilesystem"] is True


def test_names_of_the_whole_cluster_are_not_those_that_others_use(rendered: Any) -> None:
    wide = {key for key in rendered["plain"] if key[0].startswith("ClusterRole")}
    assert {name for _kind, name in wide} == {"istio-system-prometheus", "istio-system-kiali"}
    for name in ("istio-system-prometheus", "istio-system-kiali"):
        assert rendered["plain"]["ClusterRoleBinding", name]["roleRef"]["name"] == name


def test_a_forwarded_port_is_the_one_way_to_a_kiali_without_a_login(rendered: Any) -> None:
    documents = rendered["plain"]
    assert kiali_config(documents)["auth"] == {"strategy": "anonymous"}
    assert documents["Service", "kiali"]["spec"].get("type", "ClusterIP") == "ClusterIP"
    policy = documents["NetworkPolicy", "kiali"]["spec"]
    assert [port["port"] for rule in policy["ingress"] for port in rule["ports"]] == [9090]
    assert policy["podSelector"]["matchLabels"].items() <= pod_labels(documents, "kiali").items()
    prometheus = documents["NetworkPolicy", "prometheus"]["spec"]
    assert prometheus["podSelector"]["matchLabels"].items() <= pod_labels(documents, "prometheus").items()
    (rule,) = prometheus["ingress"]
    (caller,) = rule["from"]
    assert caller["podSelector"]["matchLabels"].items() <= pod_labels(documents, "kiali").items()


def pod_labels(documents: dict[tuple[str, str], dict[str, Any]], name: str) -> dict[str, str]:
    return documents["Deployment", name]["spec"]["template"]["metadata"]["labels"]


@pytest.mark.parametrize("case", ["at_nodes", "open"])
def test_at_a_port_of_the_nodes_kiali_asks_for_a_token(rendered: Any, case: str) -> None:
    documents = rendered[case]
    assert kiali_config(documents)["auth"] == {"strategy": "token"}
    service = documents["Service", "kiali"]["spec"]
    assert service["type"] == "NodePort"
    (port,) = service["ports"]
    assert (port["port"], port.get("nodePort")) == (20001, 30092 if case == "at_nodes" else None)
    pod = documents["Deployment", "kiali"]["spec"]["template"]["spec"]
    (volume,) = [volume for volume in pod["volumes"] if volume["name"] == "signing-key"]
    assert volume["secret"]["secretName"] == "kiali-signing-key"
    (mount,) = [mount for mount in container(documents, "kiali")["volumeMounts"] if mount["name"] == "signing-key"]
    assert mount["mountPath"] == "/kiali-override-secrets/login-token-signing-key"
    assert "CHANGEME" not in yaml.safe_dump(documents["ConfigMap", "kiali"])
    policies = [name for kind, name in documents if kind == "NetworkPolicy"]
    assert sorted(policies) == ([] if case == "open" else ["kiali", "prometheus"])
    if policies:
        rules = documents["NetworkPolicy", "kiali"]["spec"]["ingress"]
        assert {"ports": [{"port": 20001, "protocol": "TCP"}]} in rules


def test_kiali_looks_alone_unless_it_is_told_otherwise(rendered: Any) -> None:
    rules = rendered["plain"]["ClusterRole", "istio-system-kiali"]["rules"]
    writing = {(tuple(rule["resources"]), verb) for rule in rules for verb in rule["verbs"] if verb in WRITING}
    assert writing == {(("pods/portforward",), "create"), (("tokenreviews",), "create")}
    assert kiali_config(rendered["plain"])["deployment"]["view_only_mode"] is True
    assert kiali_config(rendered["open"])["deployment"]["view_only_mode"] is False
    rules = rendered["open"]["ClusterRole", "istio-system-kiali"]["rules"]
    assert any("patch" in rule["verbs"] for rule in rules)


def test_the_options_reach_the_manifests(rendered: Any) -> None:
    plain, changed = rendered["plain"], rendered["changed"]
    assert prometheus_config(plain)["global"]["scrape_interval"] == "15s"
    config = prometheus_config(changed)
    assert config["global"] == {"scrape_interval": "5s", "evaluation_interval": "5s"}
    assert [job["job_name"] for job in config["scrape_configs"]] == [
        "pods",
        "knative-queue-proxy",
        "prometheus",
        "mine",
    ]
    assert "--storage.tsdb.retention.time=3d" in container(plain, "prometheus")["args"]
    assert "--storage.tsdb.retention.time=6h" in container(changed, "prometheus")["args"]
    assert container(changed, "prometheus")["resources"]["requests"] == {"cpu": "7m", "memory": "70Mi"}
    assert container(changed, "kiali")["resources"]["requests"] == {"cpu": "8m", "memory": "80Mi"}
    (rule,) = changed["NetworkPolicy", "prometheus"]["spec"]["ingress"]
    assert {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "grafana"}}} in rule["from"]
    assert changed["Service", "prometheus"]["metadata"]["labels"]["mine"] == "yes"


@pytest.mark.parametrize("case", CASES)
def test_prometheus_takes_its_configuration(rendered: Any, tmp_path: Path, case: str) -> None:
    file = tmp_path / "prometheus.yml"
    config = prometheus_config(rendered[case])
    for job in config["scrape_configs"]:
        # Debian's Prometheus is built without Kubernetes' targets
        assert ("kubernetes_sd_configs" in job) is (job["job_name"] in ("pods", "knative-queue-proxy"))
        job.pop("kubernetes_sd_configs", None)
    file.write_text(yaml.safe_dump(config))
    command = [debian_program("prometheus", "usr/bin/promtool"), "check", "config", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


class Figures(BaseHTTPRequestHandler):
    """Answers with one figure, at one path alone."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/stats/prometheus" else 404)
        self.end_headers()
        self.wfile.write(b"asked_total 1\n")

    def log_message(self, *_args: object) -> None:
        pass


def test_pods_are_found_by_their_annotations_and_queue_proxies_by_their_port(rendered: Any, tmp_path: Path) -> None:
    """Jobs of a real Prometheus; what Kubernetes says of pods stands in their targets' labels."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Figures)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    port = server.server_address[1]
    meta = "__meta_kubernetes_"
    pod = {
        f"{meta}namespace": "todo",
        f"{meta}pod_ip": "127.0.0.1",
        f"{meta}pod_node_name": "lab",
        f"{meta}pod_phase": "Running",
        f"{meta}pod_label_version": "v1",
    }
    says = {
        f"{meta}pod_annotation_prometheus_io_scrape": "true",
        f"{meta}pod_annotation_prometheus_io_path": "/stats/prometheus",
        f"{meta}pod_annotation_prometheus_io_port": str(port),
    }
    pods = {
        "says-it": {**pod, **says},
        "silent": pod,
        "ended": {**pod, **says, f"{meta}pod_phase": "Succeeded"},
        "queue": {**pod, f"{meta}pod_container_port_name": "http-usermetric"},
    }
    jobs = {job["job_name"]: job for job in prometheus_config(rendered["plain"])["scrape_configs"]}
    jobs["knative-queue-proxy"]["metrics_path"] = "/stats/prometheus"
    chosen = []
    for name in ("pods", "knative-queue-proxy"):
        del jobs[name]["kubernetes_sd_configs"]
        # In the job of pods the port is that of the annotation
        targets = ["127.0.0.1:9" if name == "pods" else f"127.0.0.1:{port}"]
        statics = [{"targets": targets, "labels": {**labels, f"{meta}pod_name": one}} for one, labels in pods.items()]
        chosen.append({**jobs[name], "static_configs": statics})
    prometheus = PrometheusProcess(tmp_path, {"global": {"scrape_interval": "1s"}, "scrape_configs": chosen})
    try:
        found = until(lambda: _both(prometheus), "both are fetched")
        assert found == {("pods", "says-it"), ("knative-queue-proxy", "queue")}
        assert len(prometheus.query("up")) == 2, "nothing else is asked"
        [series] = prometheus.query('up{job="pods"}')
        wanted = {
            "namespace": "todo",
            "pod": "says-it",
            "node": "lab",
            "version": "v1",
            "instance": f"127.0.0.1:{port}",
        }
        assert series["metric"].items() >= wanted.items()
    finally:
        prometheus.stop()
        server.shutdown()
        server.server_close()


def _both(prometheus: PrometheusProcess) -> set[tuple[str, str]]:
    """Job and pod of each series, once there are two."""
    found = {(one["metric"]["job"], one["metric"]["pod"]) for one in prometheus.query("asked_total")}
    return found if len(found) > 1 else set()


def test_another_configuration_is_another_pod(rendered: Any) -> None:
    def checksum(case: str, name: str) -> str:
        template = rendered[case]["Deployment", name]["spec"]["template"]
        return template["metadata"]["annotations"]["checksum/config"]

    assert checksum("plain", "prometheus") == checksum("next", "prometheus") != checksum("changed", "prometheus")
    assert checksum("plain", "kiali") == checksum("changed", "kiali") != checksum("open", "kiali")


@pytest.mark.parametrize(("state", "wanted"), [("present", True), ("absent", False), (None, False)])
def test_its_images_are_planned_where_it_is_wanted(state: str | None, wanted: bool) -> None:
    loader = DataLoader()
    file = str(ROOT / "roles" / "image_prefetch" / "defaults" / "main.yml")
    variables = loader.load_from_file(file, cache="none", trusted_as_template=True)
    variables |= {"observability_state": state} if state else {}
    expression = trust_as_template("{{ image_prefetch_components }}")
    components = Templar(loader, variables=variables).template(expression)
    assert ("observability" in components) is wanted
    assert components[:4] == ["metrics_server", "istio", "knative", "todo"]


def test_without_manifests_for_a_release_of_istio_it_says_what_to_do(plays: Plays) -> None:
    options = {"istio_version": "1.31.9", "serverless_release": "knative-1.23"}
    code, output = plays.run([role("render")], serverless_work_dir=str(plays.directory / "none"), **options)
    assert code != 0
    assert "No release set has Prometheus and Kiali for Istio 1.31.9. Name their manifests in observability" in output


def test_without_istio_it_says_what_to_do(plays: Plays) -> None:
    wanted = {"observability_state": "present", "istio_state": "absent"}
    code, output = plays.run([role()], "--check", serverless_work_dir=str(plays.directory / "none"), **wanted)
    assert code != 0 and "show its mesh, and istio_state is absent. Take that out of the inventory" in output


def test_it_is_planned_and_off_by_default(plays: Plays) -> None:
    work = str(plays.directory / "planned")
    code, output = plays.run([role()], "--check", serverless_work_dir=work)
    assert code == 0 and "changed=0" in output and "create" not in output, output
    wanted = {"observability_state": "present", **CASES["at_nodes"]}
    code, output = plays.run([role()], "--check", "--diff", serverless_work_dir=work, **wanted)
    assert code == 0, output
    for planned in (
        "Deployment istio-system/kiali",
        "Secret istio-system/kiali-signing-key",
        "Service istio-system/kiali",
    ):
        assert f"create {planned}" in output, output
    assert "Kiali: the port of the nodes" not in output
    cluster = Cluster.connect("test", str(plays.server.kubeconfig))
    assert inventory_of(cluster, "observability") is None and cluster.get("v1", "Service", "kiali", HOME) is None


@pytest.mark.parametrize("how", ["auto", "stop", "leave"])
def test_those_of_somebody_else_are_left_alone(plays: Plays, how: str) -> None:
    """One that does not serve is a reason to stop."""
    cluster = Cluster.connect("test", str(plays.server.kubeconfig))
    cluster.apply(namespace(HOME), manager="someone")
    theirs = within(deployment("prometheus"), HOME)
    cluster.apply(theirs, manager="someone")
    try:
        wanted = {"observability_state": "present", "observability_existing": how}
        work = str(plays.directory / "theirs")
        code, output = plays.run([role()], "--check", serverless_work_dir=work, **wanted)
        assert (code == 0) is (how == "leave"), output
        assert "observability_existing" in output or how == "leave"
        assert inventory_of(cluster, "observability") is None
    finally:
        cluster.delete("apps/v1", "Deployment", "prometheus", HOME)
