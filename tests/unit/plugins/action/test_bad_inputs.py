"""Bad input of every kind ends site.yml in one error before any change: what is wrong, where, and what to write."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from api_server import ApiServer

ROOT = Path(__file__).resolve().parents[4]
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")

# What -e says, and the words that the one error must have
VALUES: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"todo_database_storage": "1 GB"}, ("todo_database_storage", '"1 GB"', "write 1G")),
    ({"todo_database_storage": "0"}, ("todo_database_storage", "above 0")),
    ({"todo_resources": {"requests": {"cpu": "200 m"}}}, ("todo_resources", "'200 m'", "write 200m")),
    ({"todo_resources": {"requests": {"cpu": 2}, "limits": {"cpu": 1}}}, ("todo_resources", "above the limit of 1")),
    ({"metrics_server_requests": {"memory": "200MB"}}, ("metrics_server_requests", "write 200M")),
    ({"todo_window": "60 seconds"}, ("todo_window", "30s")),
    ({"todo_window": "2s"}, ("todo_window", "between 6s and 1h")),
    ({"observability_retention": "three days"}, ("observability_retention", "3d")),
    ({"istio_gateway_http_nodeport": -1}, ("istio_gateway_http_nodeport", "30000 to 32767")),
    ({"todo_web_node_port": 99999}, ("todo_web_node_port", "30000 to 32767")),
    ({"knative_domain": ""}, ("knative_domain", "example.com")),
    ({"knative_domain": "http://example.org"}, ("knative_domain", "an URL")),
    ({"knative_domain": "*.example.org"}, ("knative_domain", "a wildcard")),
    ({"knative_domain": "a b.example"}, ("knative_domain", "write a-b.example")),
    ({"knative_domain": "my_shop.example"}, ("knative_domain", "write my-shop.example")),
    ({"knative_domain": "Example.org"}, ("knative_domain", "write example.org")),
    ({"knative_domain": "example.org."}, ("knative_domain", "write example.org")),
    ({"todo_domain": "example.org:80"}, ("todo_domain", "with a port")),
    ({"todo_namespace": "Shop"}, ("todo_namespace", "write shop")),
    ({"todo_namespace": "my_shop"}, ("todo_namespace", "write my-shop")),
    ({"todo_namespace": "a" * 64}, ("todo_namespace", "at most 63")),
    ({"todo_namespace": None}, ("todo_namespace", "null")),
    ({"todo_namespace": "kube-system"}, ("todo_namespace", "of your own")),
    ({"istio_injection_namespaces": ["istio-system"]}, ("istio_injection_namespaces", "'istio-system'", "of your own")),
    ({"istio_injection_namespaces": ["knative-serving"]}, ("istio_injection_namespaces", "'knative-serving'")),
    ({"registry_secret_namespaces": ["To Do"]}, ("registry_secret_namespaces", "'To Do'")),
    ({"registry_secret_name": "My Secret"}, ("registry_secret_name", "write my-secret")),
    ({"registry_secret_service_accounts": ["A"]}, ("registry_secret_service_accounts", "'A'")),
    ({"todo_user_traffic": {"v1": 60, "v2": 41}}, ("todo_user_traffic", "make 100 together")),
    ({"todo_user_traffic": {"v1": -1, "v2": 101}}, ("todo_user_traffic", "make 100 together")),
    ({"todo_user_traffic": {"v1": "50%", "v2": 50}}, ("todo_user_traffic", "{v1: 50, v2: 50}")),
    ({"todo_web_min_scale": 5}, ("todo_web_min_scale is 5", "todo_max_scale 3")),
    ({"todo_max_scale": 0}, ("todo_max_scale", "write 1 pod")),
    ({"knative_wait_timeout": -5}, ("knative_wait_timeout", "is -5")),
    ({"istio_wait_timeout": 0}, ("istio_wait_timeout", "is 0")),
    ({"istio_version": "latest"}, ("istio_version", "serverless_release")),
    ({"preflight_minimum_kubernetes": "new"}, ("preflight_minimum_kubernetes", "1.34")),
    ({"preflight_minimum_kubernetes": "9.0"}, ("older than 9.0", "preflight_minimum_kubernetes")),
    ({"preflight_platform": "sometimes"}, ("preflight_platform", "always", "got: sometimes")),
    ({"metrics_server_kubelet_insecure_tls": "maybe"}, ("metrics_server_kubelet_insecure_tls", "auto", "got: maybe")),
    ({"serverless_release": "knative-0.1"}, ("serverless_release", "knative-0.1", "knative-1.23")),
    ({"serverless_images": None}, ("serverless_images is null", "take it out to have the role's own")),
    ({"serverless_images": {"mirrors": {"docker.io": None}}}, ("serverless_images.mirrors['docker.io']", "a list")),
    ({"serverless_images": {"mirors": {}}}, ("serverless_images", "mirors", "mirrors")),
    ({"serverless_images": {"mode": "fast"}}, ("serverless_images.mode", "'fast'", "rewrite")),
    ({"serverless_images": {"preset": "moon"}}, ("serverless_images.preset", "'moon'", "aliyun")),
    ({"serverless_images": {"mirrors": {"docker.io": ["https://m.example"]}}}, ("docker.io", "https://m.example")),
    ({"serverless_images": {"strict": "yes"}}, ("serverless_images.strict", "true or false")),
    ({"serverless_images": [1]}, ("serverless_images", "dict")),
    ({"serverless_network": "moon"}, ("serverless_network", "moon", "direct, china")),
    ({"serverless_batch": "some"}, ("serverless_batch", "25%")),
    ({"serverless_work_dir": ""}, ("serverless_work_dir", "is empty")),
    ({"serverless_registry": "https://r.example"}, ("serverless_registry", "without https://")),
    ({"serverless_gateway_address": "localhost"}, ("serverless_gateway_address", "host:port")),
    ({"serverless_node_address": "10.0.0.1:80"}, ("serverless_node_address", "without a port")),
    ({"todo_keep_data": "perhaps"}, ("todo_keep_data", "perhaps")),
    ({"todo_max_scale": "many"}, ("todo_max_scale", "many")),
    ({"istio_state": "gone"}, ("istio_state", "present, absent")),
    ({"istio_values": [1]}, ("istio_values", "dict")),
    ({"istio_wait_timout": 1}, ("istio_wait_timout", "istio_wait_timeout")),
    (
        {"istio_wait_timout": 1, "istio_state": "gone", "todo_max_scale": "many"},
        ("istio_wait_timout", "istio_wait_timeout", "istio_state", "present, absent", "todo_max_scale"),
    ),
    ({"todo-namespace": "a"}, ("todo-namespace", "write todo_namespace")),
    ({"TODO_NAMESPACE": "a"}, ("TODO_NAMESPACE", "write todo_namespace")),
    ({"istio_context": "test"}, ("istio_context", "write serverless_context")),
    ({"knative_domain": "{{ nobody }}"}, ("knative_domain", "'nobody' is undefined")),
    ({"serverless_context": "gone"}, ("'gone'", "contexts there: test")),
    ({"serverless_kubeconfig": "/nowhere"}, ("/nowhere", "KUBECONFIG")),
    (
        {"serverless_registry": "r.example", "serverless_registry_password": {"env": "NOT_SET"}},
        ("serverless_registry_password", "NOT_SET"),
    ),
    (
        {"serverless_registry": "r.example", "serverless_registry_password": {"file": "/nowhere"}},
        ("serverless_registry_password", "/nowhere"),
    ),
    (
        {"serverless_openshift_login": {"username": "a", "password": "of-a-user"}},
        ("serverless_openshift_login", "has a password that is written into it", "{env: NAME}"),
    ),
    ({"serverless_openshift_login": {"username": "a"}}, ("serverless_openshift_login", "write both, or a token")),
    ({"serverless_openshift_login": {"token": {"env": "NOT_SET"}}}, ("serverless_openshift_login", "NOT_SET")),
    (
        {"serverless_openshift_login": {"username": "a", "password": {"file": "/nowhere"}}},
        ("serverless_openshift_login", "/nowhere"),
    ),
    ({"todo_build_ca_file": "/nowhere/ca.pem"}, ("todo_build_ca_file", "/nowhere/ca.pem", "cannot be read: No such")),
    (
        {"todo_build_ca_file": __file__},
        ("todo_build_ca_file", "no certificate in PEM form", "write the path of a file"),
    ),
    ({"serverless_content_directory": "/nowhere"}, ("serverless_content_directory", "/nowhere", "no folder")),
    (
        {"serverless_images": {"registries": {"r.example": {"ca_file": "/nowhere"}}}},
        ("serverless_images.registries['r.example']", "the ca_file /nowhere cannot be read: No such"),
    ),
    (
        {"serverless_openshift_login": {"token": {"env": "HOME"}, "ca_file": __file__}},
        ("serverless_openshift_login", "has the ca_file", "no certificate in PEM form"),
    ),
    ({"report_directory": "/proc/nowhere"}, ("report_directory", "/proc/nowhere", "may write in")),
]
WORDS: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
    (("--tags", "istoi"), ("istoi", "did you mean istio?")),
    (("--skip-tags", "metrics"), ("metrics", "did you mean metrics_server?")),
    (("-i", "/nowhere/hosts.yml"), ("/nowhere/hosts.yml", "group clusters", "-i inventories/kubeconfig")),
    (("-i", "somebody,"), ("somebody,", "group clusters")),
    (("--limit", "nobody"), ("nobody",)),
]


class Site:
    """site.yml on the API server of the tests, run as a user runs it."""

    def __init__(self, server: ApiServer, cluster: Cluster, folder: Path) -> None:
        self.cluster = cluster
        self.folder = folder
        self.inventory = folder / "hosts.yml"
        variables = {
            "ansible_python_interpreter": sys.executable,
            "serverless_kubeconfig": str(server.kubeconfig),
            "serverless_work_dir": str(folder / "work"),
            "preflight_wait_timeout": 5,
        }
        document = {"clusters": {"hosts": {"test": {}}, "vars": variables}}
        self.inventory.write_text(yaml.safe_dump(document), encoding="utf-8")

    def run(self, *words: str) -> tuple[int, str]:
        """Return the exit code and all that is printed."""
        inventory = [] if "-i" in words else ["-i", str(self.inventory)]
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_STDOUT_CALLBACK": "selfhosted.serverless.progress",
            "ANSIBLE_NOCOLOR": "1",
        }
        done = subprocess.run(
            [str(PLAYBOOK), "site.yml", *inventory, *words],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        return done.returncode, done.stdout + done.stderr

    def traces(self) -> list[str]:
        """What a run writes: its records and its lease on the cluster, its files here."""
        records = [item["metadata"]["name"] for item in self.cluster.list("v1", "ConfigMap", namespace="kube-system")]
        leases = self.cluster.list("coordination.k8s.io/v1", "Lease", namespace="kube-system")
        names = [*records, *(item["metadata"]["name"] for item in leases)]
        work = self.folder / "work"
        return sorted(name for name in names if "serverless" in name) + [str(path) for path in work.rglob("*")]


@pytest.fixture
def site(api_server: ApiServer, cluster: Cluster, tmp_path: Path) -> Site:
    return Site(api_server, cluster, tmp_path)


def refused(site: Site, words: tuple[str, ...], said: tuple[str, ...]) -> None:
    before = site.traces()
    code, output = site.run(*words)
    flat = " ".join(output.split())
    assert code not in (0, 250), output
    assert all(word in flat for word in said), output
    assert len(re.findall(r"\bfailed: ", output)) <= 1 and "Traceback" not in output, output
    assert "changed: " not in output and site.traces() == before, output


@pytest.mark.parametrize(
    ("values", "said"), VALUES, ids=lambda value: json.dumps(value) if isinstance(value, dict) else ""
)
def test_a_bad_value_is_refused(site: Site, values: dict[str, Any], said: tuple[str, ...]) -> None:
    refused(site, ("-e", json.dumps(values)), said)


@pytest.mark.parametrize(("words", "said"), WORDS, ids=lambda value: value[0] if isinstance(value, tuple) else "")
def test_bad_words_are_refused(site: Site, words: tuple[str, ...], said: tuple[str, ...]) -> None:
    refused(site, words, said)
