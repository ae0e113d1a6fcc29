"""One variable names the gateway for all roles; Istio makes it, and Knative follows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template

ROLES = Path(__file__).resolve().parents[3] / "roles"
EDGE = {"namespace": "edge", "name": "front", "selector": {"istio": "front"}}


def templar(role: str, **changed: object) -> Templar:
    loader = DataLoader()
    variables: dict[str, object] = {"inventory_hostname": "here"}
    for name in ("serverless", role):
        for file in ("defaults/main.yml", "vars/main.yml"):
            path = str(ROLES / name / file)
            variables |= loader.load_from_file(path, cache="none", trusted_as_template=True)
    return Templar(loader, variables=variables | changed)


def text_of(role: str, template: str, **changed: object) -> str:
    text = (ROLES / role / "templates" / template).read_text()
    return templar(role, **changed).template(trust_as_template(text)) or ""


def overlays(**changed: object) -> list[dict[str, object]]:
    # Serving's own configuration needs a filter of the collection and has its place after the gateway
    options = {"__knative_config": {}, "knative_config": {}}
    return yaml.safe_load(text_of("knative", "config_overlays.yml.j2", **options, **changed)) or []


def test_the_released_manifests_name_the_usual_gateway() -> None:
    assert overlays() == []


@pytest.mark.parametrize("given", [EDGE, {"name": "front"}, {"selector": {"istio": "front"}}])
def test_knative_follows_the_gateway(given: dict[str, object]) -> None:
    whole = {"namespace": "istio-system", "name": "istio-ingressgateway", "selector": {"istio": "ingressgateway"}}
    whole |= given
    gateways, service, config = overlays(serverless_gateway=given)
    assert gateways["json_patch"] == [{"op": "replace", "path": "/spec/selector", "value": whole["selector"]}]
    assert [step["value"] for step in service["json_patch"]] == [whole["selector"], whole["namespace"]]
    (external,) = yaml.safe_load(config["patch"]["data"]["external-gateways"])
    assert external["service"] == f"{whole['name']}.{whole['namespace']}.svc.cluster.local"


@pytest.mark.parametrize(("options", "wanted"), [
    ({}, False),
    ({"observability_state": "absent"}, False),
    ({"observability_state": "present"}, True),
    ({"observability_state": "present", "knative_metrics": "none"}, False),
    ({"knative_metrics": "prometheus"}, True),
])  # fmt: skip
def test_knative_offers_its_figures_where_they_are_asked_for(options: dict[str, str], wanted: bool) -> None:
    """Its programs read the protocol when they start, so that their pods are others."""
    *deployments, config = overlays(**options) if wanted else [*overlays(**options), {}]
    assert [one["match"]["name"] for one in deployments] == (
        ["activator", "autoscaler", "autoscaler-hpa", "controller", "webhook"] if wanted else []
    )
    if wanted:
        assert config["match"]["name"] == "config-observability"
        protocols = {"metrics-protocol": "prometheus", "request-metrics-protocol": "prometheus"}
        assert config["patch"] == {"data": protocols}
        [annotations] = {
            json.dumps(one["patch"]["spec"]["template"]["metadata"]["annotations"], sort_keys=True)
            for one in deployments
        }
        assert json.loads(annotations) == {"prometheus.io/scrape": "true", "prometheus.io/port": "9090"}


def test_istioctl_is_that_of_the_machine_that_is_named() -> None:
    options = {
        "istio_version": "1.30.5",
        "istio_istioctl_platform": "osx-arm64",
        "__serverless_release": {"manifests": {}},
    }
    (released, image) = templar("istio", **options).template(trust_as_template("{{ istio_istioctl.sources }}"))
    assert released["url"].endswith("/1.30.5/istioctl-1.30.5-osx-arm64.tar.gz")
    assert image["image"] == "docker.io/istio/istioctl:1.30.5"


@pytest.mark.parametrize(("overlap", "later"), [(True, True), (False, False), ("false", False)])
def test_a_role_leaves_its_waiting_to_the_end_of_the_site_unless_it_is_told_not_to(
    overlap: object, later: bool
) -> None:
    expression = trust_as_template("{{ __serverless_later }}")
    in_site = {"serverless_overlap": overlap, "__serverless_waits_at_end": True}
    assert templar("istio", **in_site).template(expression) is later
    assert templar("istio", serverless_overlap=overlap).template(expression) is False, "a role alone ends ready"


def test_a_release_that_is_in_no_set_is_what_its_pins_say() -> None:
    """Its files, and the jobs of which there is a checksum."""
    site = "https://github.com/knative"
    pins = {
        f"{site}-extensions/net-istio/releases/download/knative-v1.24.9/net-istio.yaml": "a" * 64,
        f"{site}/eventing/releases/download/knative-v1.24.8/eventing-post-install.yaml": "b" * 64,
    }
    versions = {
        "knative_net_istio_version": "1.24.9",
        "knative_eventing_version": "1.24.8",
        "knative_serving_version": "1.24.7",
    }
    options = {"serverless_pins": pins, "__serverless_release": {"manifests": {}, "post_install": {}}, **versions}
    role = templar("knative", **options)
    (found,) = role.template(trust_as_template("{{ __knative_net_istio_items }}"))
    assert found == {"url": next(iter(pins)), "sha256": "a" * 64}
    (job,) = role.template(trust_as_template("{{ knative_eventing_jobs_content }}"))
    assert job == {"url": list(pins)[1], "sha256": "b" * 64}
    assert role.template(trust_as_template("{{ knative_serving_jobs_content }}")) == []


def test_istio_makes_the_gateway_where_it_is_named() -> None:
    (gateway,) = templar("istio", serverless_gateway=EDGE).template(
        trust_as_template("{{ __istio_operator.spec.components.ingressGateways }}")
    )
    assert (gateway["namespace"], gateway["name"], gateway["label"]) == ("edge", "front", {"istio": "front"})
    text = text_of("istio", "namespaces.yml.j2", serverless_gateway=EDGE, istio_injection_namespaces=["shop"])
    assert [item["metadata"]["name"] for item in yaml.safe_load_all(text) if item] == ["istio-system", "edge", "shop"]
    text = text_of("istio", "namespaces.yml.j2", serverless_gateway=EDGE, istio_injection_namespaces=["edge"])
    assert [item["metadata"]["name"] for item in yaml.safe_load_all(text) if item] == ["istio-system", "edge"]


@pytest.mark.parametrize(
    ("provider", "size", "release", "resources"),
    [
        ("manifests", "default", "istio", None),
        ("operator", "lean", "istio-operator-gateway", {"requests": {"cpu": "10m", "memory": "100Mi"}}),
    ],
)
def test_the_gateway_beside_an_operator_is_where_the_variable_says(
    provider: str, size: str, release: str, resources: dict[str, object] | None
) -> None:
    """And those who need it need the release that it is of."""
    options = {"istio_provider": provider, "istio_size": size, "istio_gateway_service_type": "NodePort"}
    found = yaml.safe_load_all(text_of("istio", "operator_gateway.yml.j2", serverless_gateway=EDGE, **options))
    objects = {item["kind"]: item for item in found}
    assert {(item["metadata"]["namespace"], item["metadata"]["name"]) for item in objects.values()} == {
        ("edge", "front")
    }
    service, workload = objects["Service"]["spec"], objects["Deployment"]["spec"]
    assert (service["type"], service["selector"]) == ("NodePort", EDGE["selector"])
    assert workload["selector"]["matchLabels"] == EDGE["selector"]
    assert EDGE["selector"].items() <= workload["template"]["metadata"]["labels"].items()
    assert workload["template"]["spec"]["containers"][0].get("resources") == resources
    assert templar("istio", **options).template(trust_as_template("{{ __serverless_istio }}")) == release
