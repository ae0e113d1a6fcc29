"""Values that would be refused in the middle of a run are refused before it, with what to write."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.options.forms import amount
from ansible_collections.selfhosted.serverless.plugins.module_utils.options.rules import RULES, faults_of, rule_of

ROOT = Path(__file__).resolve().parents[5]
# Texts of which any will do, or whose form is checked where they are used
FREE = {
    *("serverless_kubeconfig", "serverless_go_proxy", "serverless_release", "serverless_registry_username"),
    *("image_prefetch_sync_to", "image_prefetch_prepull_image", "istio_hub", "istio_tag", "todo_image"),
    *("todo_repository", "todo_base_image", "todo_database_image", "verify_image", "todo_pip_index_url"),
    *("todo_database_storage_class", "todo_backup_dir", "todo_backup_file", "todo_restore_file"),
    *("report_directory", "verify_report_directory"),
}


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("todo_database_storage", "1 GB", 'is "1 GB", which is no quantity of Kubernetes; write 1G'),
        ("todo_database_storage", "1gb", "write 1G"),
        ("todo_database_storage", "-1Gi", "write one such as"),
        ("todo_database_storage", "0", "is nothing; write a quantity above 0"),
        ("todo_resources", {"requests": {"cpu": "200 m"}}, "has cpu '200 m', which is no quantity"),
        ("todo_resources", {"requests": {"cpu": "200 m"}}, "write 200m (in requests)"),
        (
            "todo_resources",
            {"requests": {"memory": "1Gi"}, "limits": {"memory": "512Mi"}},
            "todo_resources requests 1Gi of memory, above the limit of 512Mi",
        ),
        ("metrics_server_requests", {"cpu": "lots"}, "has cpu 'lots', which is no quantity"),
        ("todo_window", "60 seconds", "is no duration; write a number and its unit without a blank"),
        ("todo_window", "60", "is no duration"),
        ("todo_window", "2s", "is not between 6s and 1h"),
        ("observability_retention", "three days", "is no duration of Prometheus"),
        ("observability_scrape_interval", "0s", "is no duration of Prometheus"),
        ("knative_domain", "", "is no domain; write one such as example.com"),
        ("knative_domain", "http://example.com", "is an URL, not a domain"),
        ("knative_domain", "*.example.com", "is a wildcard, not a domain"),
        ("knative_domain", "example.com:80", "is a domain with a port"),
        ("knative_domain", "Example.com", "is no DNS domain"),
        ("knative_domain", "Example.com", "write example.com"),
        ("knative_domain", "my_shop.example", "write my-shop.example"),
        ("knative_domain", "example.com.", "write example.com"),
        ("knative_domain", "a b.example", "write a-b.example"),
        ("todo_namespace", "Shop", "write shop"),
        ("todo_namespace", "my_shop", "write my-shop"),
        ("todo_namespace", "a" * 64, f"write {'a' * 63}"),
        ("todo_namespace", 7, "write it in quotes"),
        ("todo_namespace", "kube-system", "belongs to the system"),
        (
            "istio_injection_namespaces",
            ["a", "istio-system"],
            "has the item 'istio-system', which belongs to the system",
        ),
        ("registry_secret_namespaces", ["To Do"], "has the item 'To Do', which is no name of a namespace"),
        ("registry_secret_name", "My Secret", "write my-secret"),
        ("knative_operator_channel", "", "is no name"),
        ("knative_operator_source", "Red Hat", "write red-hat"),
        ("istio_operator_channel", "", "is no name"),
        ("istio_operator_source", "Red Hat", "write red-hat"),
        ("istio_operator_version", "v1.30 latest", "write v1.30-latest"),
        ("todo_user_traffic", {"v1": 60, "v2": 41}, "must make 100 together"),
        ("todo_user_traffic", {"v1": -1, "v2": 101}, "must make 100 together"),
        ("todo_user_traffic", {"v1": "50%", "v2": 50}, "must make 100 together"),
        ("todo_user_traffic", {"v1": 100}, "must make 100 together"),
        ("istio_version", "latest", "is no version; write one such as 1.31.1"),
        ("knative_wait_timeout", -5, "is -5, which is too small; write 1 second or more"),
        ("todo_max_scale", 0, "write 1 pod or more"),
        ("todo_web_node_port", 80000, "is no node port"),
        ("istio_gateway_http_nodeport", -1, "is no node port"),
        ("serverless_gateway_address", "http://localhost:80", "is not host:port"),
        ("serverless_gateway_address", "localhost", "is not host:port"),
        ("serverless_node_address", "10.0.0.1:80", "without a port"),
        ("serverless_registry", "https://registry.example", "is no registry"),
        ("serverless_work_dir", "", "is empty"),
        ("todo_build_ca_file", "/nowhere/ca.pem", "which cannot be read: No such file or directory; write the path of"),
        ("todo_build_ca_file", "/etc", "cannot be read: Is a directory"),
        ("todo_build_ca_file", "/dev/null", "is empty; certificates in PEM form are wanted"),
        ("todo_build_ca_file", __file__, "holds no certificate in PEM form"),
        ("serverless_content_directory", "/nowhere", "is no folder that can be read: No such file or directory"),
        ("serverless_content_directory", __file__, "is no folder that can be read: Not a directory"),
        (
            "serverless_openshift_login",
            {"token": {"env": "A"}, "ca_file": "/nowhere"},
            "has the ca_file /nowhere, which",
        ),
        ("preflight_minimum_kubernetes", "new", "is no version of Kubernetes"),
        ("todo_web_scale_down_seconds", 4000, "is out of range; write one from 0 to 3600"),
        ("todo_web_scale_down_seconds", "soon", "is no number; write one from 0 to 3600"),
        ("todo_wait_timeout", "soon", "is no number; write 1 second or more"),
    ],
)
def test_what_has_not_the_form_is_told(option: str, value: Any, words: str) -> None:
    (said,) = faults_of({option: value}, {})
    assert said.startswith(f"{option} ") and words in said


@pytest.mark.parametrize(
    ("option", "values"),
    [
        ("todo_database_storage", ["1Gi", "500M", "1e9", ".5Gi", "10"]),
        ("todo_resources", [{}, {"requests": {"cpu": "0.5"}, "limits": {"cpu": "500m"}}, {"requests": {"cpu": 1}}]),
        ("todo_window", ["6s", "1h", "1m30s", "90.5s"]),
        ("observability_retention", ["3d", "1h30m", "15s", "500ms"]),
        ("knative_domain", ["example.com", "127.0.0.1.sslip.io", "xn--fiq228c.cn", "local"]),
        ("todo_namespace", ["todo", "a", "7", "shop-1"]),
        ("registry_secret_name", ["registry", "a.b-c"]),
        ("knative_operator_channel", ["stable", "stable-1.37"]),
        ("istio_operator_version", ["", "v1.30.3", "v1.30-latest"]),
        ("todo_user_traffic", [{"v1": 0, "v2": 100}, {"v1": "90", "v2": "10"}]),
        ("verify_domain", ["", "example.com"]),
        ("verify_user_traffic", [{}, {"v1": 0, "v2": 100}]),
        ("istio_version", ["", "1.31.1", "v1.2", "1.31.0-rc.1"]),
        ("todo_web_node_port", [0, 80, 30080]),
        ("serverless_gateway_address", ["", "localhost:80", "[::1]:8080", "10.1.2.3:31380"]),
        ("todo_build_ca_file", [""]),
        ("serverless_content_directory", ["", "~", str(ROOT)]),
        ("serverless_node_address", ["", "10.0.0.1", "node.example", "fd00::1"]),
        ("serverless_registry", ["", "registry.example:5001", "ghcr.io/me", "[fd00::1]:5000", "localhost"]),
    ],
)
def test_what_has_the_form_is_taken(option: str, values: list[Any]) -> None:
    for value in values:
        assert faults_of({option: value}, {}) == []


def test_all_faults_are_told_at_once() -> None:
    found = faults_of({"todo_window": "x", "todo_namespace": "X", "istio_state": "absent"}, {})
    assert [line.split()[0] for line in found] == ["todo_namespace", "todo_window"]


@pytest.mark.parametrize(
    ("given", "misfits"),
    [({"todo_web_min_scale": 4}, 1), ({"todo_max_scale": 4, "todo_web_min_scale": 4}, 0), ({"todo_window": "30s"}, 0)],
)
def test_what_does_not_fit_together_is_told(given: dict[str, Any], misfits: int) -> None:
    assert len(faults_of(given, {"todo_web_min_scale": 1, "todo_max_scale": 3})) == misfits


def test_quantities_have_amounts() -> None:
    assert [amount(text) for text in ("200m", "1Ki", "1k", "1e3", "junk")] == [amount("0.2"), 1024, 1000, 1000, 0]


def test_the_roles_own_defaults_have_the_form_and_each_text_has_one() -> None:
    for specs in sorted(ROOT.glob("roles/*/meta/argument_specs.yml")):
        role = specs.parent.parent.name
        if role in ("lab", "drills"):
            continue
        defaults = yaml.safe_load((specs.parent.parent / "defaults/main.yml").read_text(encoding="utf-8")) or {}
        plain = {option: value for option, value in defaults.items() if "{{" not in str(value)}
        assert faults_of(plain, {}) == []
        for entry in yaml.safe_load(specs.read_text(encoding="utf-8"))["argument_specs"].values():
            for option, spec in (entry.get("options") or {}).items():
                if spec["type"] in ("str", "int", "float") and "choices" not in spec:
                    assert rule_of(option) or option in FREE, f"{option}: give it a form in options/rules.py"


def test_no_form_is_for_nothing() -> None:
    options = {
        option
        for specs in ROOT.glob("roles/*/meta/argument_specs.yml")
        for entry in yaml.safe_load(specs.read_text(encoding="utf-8"))["argument_specs"].values()
        for option in entry.get("options") or {}
    }
    used = {id(rule_of(option)) for option in options}
    assert [pattern for pattern, form in RULES.items() if id(form) not in used] == []
