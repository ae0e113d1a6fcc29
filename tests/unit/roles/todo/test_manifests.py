"""The manifests of the role, rendered by Ansible's own templating."""

from __future__ import annotations

import json

import pytest
import yaml
from ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.routes import public_route
from rendering import IMAGE, evaluate, render

VARIANTS = ("kubernetes", "istio", "knative")
DATA = {
    ("Namespace", "todo"),
    ("PersistentVolumeClaim", "database"),
    ("Service", "database"),
    ("StatefulSet", "database"),
}
ENFORCED = "pod-security.kubernetes.io/enforce"


def documents(text):
    return {(item["kind"], item["metadata"]["name"]): item for item in yaml.safe_load_all(text) if item}


def test_without_an_image_only_what_others_deliver():
    found = documents(render("todo.yml.j2", todo_image="", todo_network_policies=False))
    assert set(found) == DATA


@pytest.mark.parametrize("variant", VARIANTS)
def test_between_two_variants_the_database_stays(variant):
    found = documents(render("todo.yml.j2", todo_variant=variant, __todo_part="data"))
    assert {key for key in found if key[0] != "NetworkPolicy"} == DATA


def test_which_services_are_public_and_which_sleep():
    found = documents(render("todo.yml.j2"))
    services = {name: found["Service", name] for name in ("web", "rule", "user")}
    local = {name for name, item in services.items() if item["metadata"].get("labels")}
    assert local == {"rule", "user"}
    scale = "autoscaling.knative.dev/min-scale"
    minimum = {name: item["spec"]["template"]["metadata"]["annotations"][scale] for name, item in services.items()}
    assert minimum == {"web": "1", "rule": "0", "user": "0"}
    for item in services.values():
        (container,) = item["spec"]["template"]["spec"]["containers"]
        assert container["image"] == IMAGE
        assert container["securityContext"]["runAsUser"] == 65532
        assert container["securityContext"]["readOnlyRootFilesystem"] is True


@pytest.mark.parametrize("variant", VARIANTS)
def test_where_metrics_are_is_told_where_it_is_asked_for_and_changes_nothing_otherwise(variant):
    told = {"prometheus.io/scrape": "true", "prometheus.io/port": "9464"}
    for wanted in (True, False):
        found = documents(render("todo.yml.j2", todo_variant=variant, todo_scraped=wanted, todo_network_policies=False))
        pods = {
            key: item["spec"]["template"]["metadata"]
            for key, item in found.items()
            if "template" in item.get("spec", {})
        }
        scraped = {
            name for (_kind, name), pod in pods.items() if told.items() <= (pod.get("annotations") or {}).items()
        }
        assert scraped == (
            ({"web", "rule", "user"} if variant == "knative" else {"web", "rule", "user-v1", "user-v2"})
            if wanted
            else set()
        )
    plain, by_inventory = (
        render("todo.yml.j2", todo_variant=variant, **options) for options in ({}, {"observability_state": "present"})
    )
    assert "prometheus.io" not in plain and plain == render(
        "todo.yml.j2", todo_variant=variant, observability_state="absent"
    )
    assert by_inventory == render("todo.yml.j2", todo_variant=variant, todo_scraped=True)


def test_the_password_is_in_no_manifest():
    text = render("todo.yml.j2")
    assert "kind: Secret" not in text
    assert text.count("/run/secrets/database/password") == 2


def revisions(**changed):
    return json.loads(render("user_revisions.json.j2", **changed))


def test_the_traffic_names_both_revisions():
    names = revisions(todo_user_traffic={"v1": 90, "v2": 10})
    user = documents(render("todo.yml.j2", todo_user_traffic={"v1": 90, "v2": 10}))["Service", "user"]["spec"]
    assert user["template"]["metadata"]["name"] == names["v2"]
    assert [(part["revisionName"], part["percent"], part["tag"]) for part in user["traffic"]] == [
        (names["v1"], 90, "v1"),
        (names["v2"], 10, "v2"),
    ]


def test_the_first_step_makes_v1_alone():
    user = documents(render("todo.yml.j2", __todo_user_latest="v1"))["Service", "user"]["spec"]
    assert user["template"]["metadata"]["name"] == revisions()["v1"]
    assert user["traffic"] == [{"latestRevision": True, "percent": 100}]
    assert user["template"]["spec"]["containers"][0]["env"] == [{"name": "USER_VERSION", "value": "v1"}]


@pytest.mark.parametrize(
    "changed", [{"todo_image": "x/y@sha256:0"}, {"todo_window": "60s"}, {"todo_resources": {}}, {"todo_max_scale": 5}]
)
def test_another_content_gets_another_name(changed):
    before, after = revisions(), revisions(**changed)
    assert before["v1"] != after["v1"] and before["v2"] != after["v2"]
    assert revisions(todo_user_traffic={"v1": 0, "v2": 100}) == before


def test_the_volume_is_prepared_by_a_job_and_never_by_the_database():
    found = documents(render("prepare_volume.yml.j2", __todo_preparing=True))
    assert set(found) == {("Namespace", "todo"), ("PersistentVolumeClaim", "database"), ("Job", "prepare-volume")}
    (container,) = found["Job", "prepare-volume"]["spec"]["template"]["spec"]["containers"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["CHOWN"]}
    assert found["Namespace", "todo"]["metadata"]["labels"][ENFORCED] == "baseline"
    database = documents(render("todo.yml.j2"))["StatefulSet", "database"]["spec"]["template"]["spec"]
    assert "initContainers" not in database


def test_storage_class():
    found = documents(render("todo.yml.j2", todo_database_storage_class="fast"))
    assert found["PersistentVolumeClaim", "database"]["spec"]["storageClassName"] == "fast"


def test_the_database_is_what_the_options_say():
    limited = {"requests": {"cpu": "70m", "memory": "70Mi"}, "limits": {"memory": "700Mi"}}
    changed = {
        "todo_database_image": "mirror.example/postgres:15",
        "todo_database_storage": "7Gi",
        "todo_database_resources": limited,
    }
    found = documents(render("todo.yml.j2", **changed))
    assert found["PersistentVolumeClaim", "database"]["spec"]["resources"] == {"requests": {"storage": "7Gi"}}
    job = documents(render("prepare_volume.yml.j2", __todo_preparing=True, **changed))["Job", "prepare-volume"]
    for item in (found["StatefulSet", "database"], job):
        (container,) = item["spec"]["template"]["spec"]["containers"]
        assert container["image"] == "mirror.example/postgres:15" and container["resources"] == limited


@pytest.mark.parametrize(("wanted", "first"), [(True, ["prepare_volume"]), (False, []), ("no", [])])
def test_a_volume_is_prepared_once_and_where_it_is_wanted(wanted, first):
    """Before the first database alone: the job runs as root."""
    stands = {"database": False, "runs_on": [], "revisions": []}
    options = {"todo_variant": "kubernetes", "todo_database_prepare_volume": wanted, "ansible_check_mode": False}
    assert evaluate("__todo_first", __todo_found=stands, **options) == first
    assert evaluate("__todo_first", __todo_found={**stands, "database": True}, **options) == []


@pytest.mark.parametrize(
    ("changed", "level"),
    [
        ({"todo_variant": "kubernetes"}, "restricted"),
        ({"todo_variant": "knative"}, "restricted"),
        ({"todo_variant": "istio"}, "privileged"),
        ({"todo_variant": "istio", "todo_istio_cni": True}, "restricted"),
        ({"todo_variant": "knative", "todo_istio_injection": True}, "privileged"),
    ],
)
def test_the_namespace_enforces_what_its_pods_can_keep(changed, level):
    labels = documents(render("todo.yml.j2", **changed))["Namespace", "todo"]["metadata"]["labels"]
    assert labels[ENFORCED] == level
    assert labels["pod-security.kubernetes.io/warn"] == "restricted"
    assert ("istio-injection" in labels) == (changed["todo_variant"] == "istio" or "todo_istio_injection" in changed)


def pod_templates(found):
    kinds = ("Deployment", "StatefulSet", "Service")
    specs = {key: item["spec"].get("template") for key, item in found.items() if key[0] in kinds}
    return {key: template for key, template in specs.items() if template}


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_pod_can_do_more_than_it_needs(variant):
    templates = pod_templates(documents(render("todo.yml.j2", todo_variant=variant)))
    assert len(templates) == (4 if variant == "knative" else 5)
    for (_kind, name), template in templates.items():
        spec = template["spec"]
        assert spec["automountServiceAccountToken"] is False, name
        for container in spec["containers"]:
            context = {**spec.get("securityContext", {}), **container["securityContext"]}
            assert context["runAsNonRoot"] is True and context["readOnlyRootFilesystem"] is True, name
            assert context["allowPrivilegeEscalation"] is False and context["capabilities"] == {"drop": ["ALL"]}, name
            assert context["seccompProfile"] == {"type": "RuntimeDefault"}, name
        injected = template["metadata"]["labels"].get("sidecar.istio.io/inject")
        assert injected == ("true" if variant == "istio" else None), name


@pytest.mark.parametrize("variant", ["kubernetes", "istio"])
def test_deployments_and_services(variant):
    found = documents(render("todo.yml.j2", todo_variant=variant, todo_web_node_port=30081))
    deployments = {name for kind, name in found if kind == "Deployment"}
    assert deployments == {"web", "rule", "user-v1", "user-v2"}
    assert {name for kind, name in found if kind == "Service"} == {*deployments, "user", "database"}
    # The autoscaler owns the replicas of web
    assert {name for name in deployments if "replicas" in found["Deployment", name]["spec"]} == deployments - {"web"}
    for name in deployments:
        spec = found["Deployment", name]["spec"]
        assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
        (container,) = spec["template"]["spec"]["containers"]
        assert container["resources"]["requests"] == {"cpu": "200m", "memory": "256Mi"}
        assert container["resources"]["limits"] == {"cpu": "500m", "memory": "512Mi"}
        selected = found["Service", name]["spec"]["selector"]
        assert selected.items() <= spec["template"]["metadata"]["labels"].items()
    web = found["Service", "web"]["spec"]
    port = web["ports"][0].get("nodePort")
    assert (web["type"], port) == (("NodePort", 30081) if variant == "kubernetes" else ("ClusterIP", None))
    scaler = found["HorizontalPodAutoscaler", "web"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (1, 3)


def test_the_numbers_of_the_deployments_are_options():
    changed = {
        "todo_web_cpu_percent": 50,
        "todo_web_scale_down_seconds": 90,
        "todo_web_min_scale": 2,
        "todo_max_scale": 5,
        "todo_deployment_resources": {"requests": {"cpu": "100m"}},
        "todo_drain_seconds": 0,
        "todo_service_account": "pulls",
    }
    found = documents(render("todo.yml.j2", todo_variant="kubernetes", **changed))
    scaler = found["HorizontalPodAutoscaler", "web"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 5)
    assert scaler["metrics"][0]["containerResource"]["target"]["averageUtilization"] == 50
    assert scaler["behavior"]["scaleDown"]["stabilizationWindowSeconds"] == 90
    spec = found["Deployment", "rule"]["spec"]["template"]["spec"]
    assert spec["serviceAccountName"] == "pulls"
    assert spec["containers"][0]["resources"] == {"requests": {"cpu": "100m"}}
    assert "lifecycle" not in spec["containers"][0]
    assert "nodePort" not in found["Service", "web"]["spec"]["ports"][0]


def test_a_pod_serves_on_while_it_is_to_go():
    found = documents(render("todo.yml.j2", todo_variant="kubernetes"))
    spec = found["Deployment", "web"]["spec"]["template"]["spec"]
    drain = spec["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert drain == 15
    # Then the server ends what is under way, for which it takes 20 s at the most
    assert spec["terminationGracePeriodSeconds"] >= drain + 20


def test_the_mesh_splits_user_and_takes_nothing_but_mutual_tls():
    traffic = {"v1": 90, "v2": 10}
    changed = {
        "todo_user_traffic": traffic,
        "todo_domain": "here.example",
        "serverless_gateway": {"selector": {"istio": "mine"}},
    }
    found = documents(render("todo.yml.j2", todo_variant="istio", **changed))
    (way,) = found["VirtualService", "user"]["spec"]["http"]
    assert {part["destination"]["subset"]: part["weight"] for part in way["route"]} == traffic
    subsets = found["DestinationRule", "user"]["spec"]["subsets"]
    assert {subset["name"]: subset["labels"] for subset in subsets} == {v: {"version": v} for v in traffic}
    gateway = found["Gateway", "web"]["spec"]
    assert gateway["selector"] == {"istio": "mine"}
    assert (
        gateway["servers"][0]["hosts"] == found["VirtualService", "web"]["spec"]["hosts"] == ["web.todo.here.example"]
    )
    assert found["PeerAuthentication", "default"]["spec"] == {"mtls": {"mode": "STRICT"}}


def test_where_the_page_is_asked_for_after_a_change():
    changed = {"serverless_gateway": {"name": "edge", "namespace": "mesh"}, "serverless_gateway_address": "a:1"}
    gateway = {"namespace": "mesh", "service": "edge", "host": "web.todo.example.com", "address": "a:1"}
    assert evaluate("__todo_way_in", todo_variant="istio", **changed) == gateway
    assert evaluate("__todo_way_in", todo_variant="knative", **changed) == gateway
    node = {"namespace": "todo", "service": "web", "host": "", "address": "n"}
    assert evaluate("__todo_way_in", todo_variant="kubernetes", serverless_node_address="n", **changed) == node


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        ("todo_istio_injection", "false", False),
        ("todo_istio_injection", "yes", True),
        ("todo_network_policies", "no", False),
        ("todo_istio_cni", "false", False),
        ("todo_drain_seconds", "5", 5),
        ("todo_drain_seconds", "0", 0),
        ("todo_web_node_port", "30081", 30081),
        ("todo_web_min_scale", "2", 2),
        ("todo_max_scale", "5", 5),
    ],
)
@pytest.mark.parametrize("variant", VARIANTS)
def test_an_option_given_as_text_means_what_it_says(variant, option, text, value):
    given, meant = ({"todo_variant": variant, option: one} for one in (text, value))
    assert documents(render("todo.yml.j2", **given)) == documents(render("todo.yml.j2", **meant))


@pytest.mark.parametrize(("variant", "routed"), [("knative", True), ("istio", True), ("kubernetes", False)])
def test_a_router_of_openshift_gets_a_route_to_the_gateway(variant, routed):
    changed = {"todo_variant": variant, "__todo_found": {"routes": True}, "todo_domain": "apps.example"}
    found = documents(render("todo.yml.j2", **changed))
    assert [key for key in found if key[0] == "Route"] == ([("Route", "todo-web")] if routed else [])
    if routed:
        place = {"namespace": "istio-system", "name": "istio-ingressgateway"}
        assert found["Route", "todo-web"] == public_route("todo-web", "web.todo.apps.example", place)


@pytest.mark.parametrize(
    "changed", [{}, {"__todo_found": {"routes": False}}, {"__todo_found": {"routes": True}, "todo_route": False}]
)
def test_without_a_router_or_against_the_wish_there_is_no_route(changed):
    assert not [key for key in documents(render("todo.yml.j2", **changed)) if key[0] == "Route"]
