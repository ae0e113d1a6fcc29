"""The plan of a release against a real API server: what each object would come to, and what forbids the run."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ReleaseError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.objects import Document, ObjectRef
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.outcome import Outcome
from fault_proxy import Fault, FaultProxy
from releases import absent, config_map, definition, deployment, document, names, namespace, present, secret


def actions(outcome: Outcome) -> dict[str, str]:
    """Action by object."""
    return {str(step.ref): step.action.value for step in outcome.plan.steps}


def claim(name: str, **spec: Any) -> dict[str, Any]:
    requests = {"requests": {"storage": "1Gi"}}
    return document(
        "v1", "PersistentVolumeClaim", name, spec={"accessModes": ["ReadWriteOnce"], "resources": requests, **spec}
    )


def held(cluster: Cluster, home: str, name: str) -> None:
    """A ConfigMap that is being deleted, held by a finalizer."""
    body = config_map(name, {"x": "1"})
    body["metadata"] |= {"namespace": home, "finalizers": ["example.org/hold"]}
    cluster.apply(body, manager="someone", force=True)
    cluster.delete("v1", "ConfigMap", name, home)


def let_go(cluster: Cluster, home: str, name: str) -> None:
    body = {"metadata": {"finalizers": None}}
    path = f"/api/v1/namespaces/{home}/configmaps/{name}"
    cluster.transport.call("PATCH", path, body=body, content_type="application/merge-patch+json")


def test_every_object_has_an_action_and_a_reason(cluster: Cluster, name: str) -> None:
    present(cluster, name, [namespace(name), config_map("same", {}), config_map("other", {"x": "1"})])
    cluster.apply(
        {**config_map("theirs", {"y": "1"}), "metadata": {"name": "theirs", "namespace": name}}, manager="someone"
    )
    wanted = [
        namespace(name),
        config_map("same", {}),
        config_map("other", {"x": "2"}),
        config_map("theirs", {"x": "1"}),
        config_map("new", {}),
    ]
    predicted = present(cluster, name, wanted, check_mode=True)
    assert actions(predicted) == {
        f"Namespace {name}": "keep",
        f"ConfigMap {name}/same": "keep",
        f"ConfigMap {name}/other": "change",
        f"ConfigMap {name}/theirs": "adopt",
        f"ConfigMap {name}/new": "create",
    }
    assert all(step.reason for step in predicted.plan.steps)
    outcome = present(cluster, name, wanted)
    assert actions(outcome) == actions(predicted)
    assert names(outcome.created) == names(predicted.created)
    assert names(outcome.configured) == names(predicted.configured)
    assert not present(cluster, name, wanted).changed


def test_all_that_forbids_a_run_is_told_at_once_and_nothing_is_written(
    cluster: Cluster, proxied: Cluster, fault_proxy: FaultProxy, name: str
) -> None:
    present(cluster, name, [namespace(name), config_map("hand", {"x": "1"})])
    theirs = {**config_map("hand", {"x": "9"}), "metadata": {"name": "hand", "namespace": name}}
    cluster.apply(theirs, manager="kubectl-edit", force=True)
    wrong = deployment("quantity")
    wrong["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "200 m"}}
    documents = [
        namespace(name),
        config_map("hand", {"x": "1"}),
        wrong,
        document("v1", "Service", "port", spec={"type": "NodePort", "ports": [{"port": 80, "nodePort": -1}]}),
        document("nowhere.example.org/v1", "Thing", "t", spec={}, metadata={"name": "t", "namespace": name}),
        config_map("fine", {}),
    ]
    for check_mode in (True, False):
        fault_proxy.requests.clear()
        with pytest.raises(ReleaseError) as caught:
            present(proxied, name, documents, check_mode, role="todo")
        message = str(caught.value)
        assert f"ConfigMap {name}/hand" in message and "kubectl-edit" in message
        assert "todo_ignore_fields" in message and "todo_force_conflicts: true" in message
        assert f"Deployment {name}/quantity" in message and f"Service {name}/port" in message
        assert ("does not serve Thing" in message) is not check_mode
        assert f"{name}/fine" not in message and "nothing was changed" in message
        assert not fault_proxy.writes


def test_fields_are_checked_although_their_namespace_is_not_there(cluster: Cluster, name: str) -> None:
    wrong = deployment("app")
    wrong["spec"]["template"]["spec"]["containers"][0]["resources"] = {"requests": {"memory": "1 GB"}}
    port = document("v1", "Service", "web", spec={"type": "NodePort", "ports": [{"port": 80, "nodePort": -1}]})
    for check_mode in (True, False):
        with pytest.raises(ReleaseError, match=rf"(?s)Deployment {name}/app.*Service {name}/web"):
            present(cluster, name, [namespace(name), wrong, port], check_mode)
    assert cluster.get("v1", "Namespace", name) is None


def test_a_taken_node_port_is_told_before_anything_is_made(cluster: Cluster, name: str) -> None:
    def service(number: int) -> dict[str, Any]:
        return document("v1", "Service", "web", spec={"type": "NodePort", "ports": [{"port": 80, "nodePort": number}]})

    number = 30000 + hash(name) % 2000
    present(cluster, name, [namespace(name), service(number)])
    with pytest.raises(ReleaseError, match=rf"node port {number} is taken by Service {name}/web"):
        present(cluster, f"{name}-2", [namespace(f"{name}-2"), service(number)])
    assert cluster.get("v1", "Namespace", f"{name}-2") is None
    absent(cluster, name)


def test_an_object_that_is_being_deleted_is_waited_for_and_made_anew(cluster: Cluster, name: str) -> None:
    present(cluster, name, [namespace(name)])
    held(cluster, name, "a")
    documents = [namespace(name), config_map("a", {"x": "2"})]
    predicted = present(cluster, name, documents, check_mode=True)
    assert actions(predicted)[f"ConfigMap {name}/a"] == "wait until gone" and predicted.changed
    with pytest.raises(ReleaseError, match="example.org/hold"):
        present(cluster, name, documents, seconds=2)
    let_go(cluster, name, "a")
    assert names(present(cluster, name, documents).created) == [f"ConfigMap {name}/a"]
    assert cluster.get("v1", "ConfigMap", "a", name)["data"] == {"x": "2"}
    assert not present(cluster, name, documents).changed


def test_a_namespace_that_is_being_deleted_is_made_anew(cluster: Cluster, name: str) -> None:
    cluster.apply(namespace(name), manager="someone")
    held(cluster, name, "a")
    cluster.delete("v1", "Namespace", name)
    documents = [namespace(name), config_map("b", {})]
    predicted = actions(present(cluster, name, documents, check_mode=True))
    assert predicted == {f"Namespace {name}": "wait until gone", f"ConfigMap {name}/b": "create"}
    with pytest.raises(ReleaseError, match=rf"Namespace {name}: "):
        present(cluster, name, documents, seconds=2)
    let_go(cluster, name, "a")
    present(cluster, name, documents)
    assert not present(cluster, name, documents).changed


def test_a_definition_that_is_being_deleted_is_made_anew(cluster: Cluster, name: str) -> None:
    group = f"{name}.example.org"
    documents = [namespace(name), definition(group, "Widget"), config_map("a", {})]
    present(cluster, name, documents)
    widget = document(
        f"{group}/v1", "Widget", "w", metadata={"name": "w", "namespace": name, "finalizers": ["x.org/y"]}
    )
    cluster.apply(widget, manager="someone")
    cluster.delete("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"widgets.{group}")
    cluster.delete("v1", "ConfigMap", "a", name)
    with pytest.raises(ReleaseError, match=r"widgets\..*: 1 object.*Widget.*held by x.org/y"):
        present(cluster, name, documents, seconds=3)
    assert cluster.get("v1", "ConfigMap", "a", name), (
        "what does not need the definition is there before it is waited for"
    )
    path = f"/apis/{group}/v1/namespaces/{name}/widgets/w"
    body = {"metadata": {"finalizers": None}}
    cluster.transport.call("PATCH", path, body=body, content_type="application/merge-patch+json")
    present(cluster, name, documents)
    assert not present(cluster, name, documents).changed
    assert cluster.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"widgets.{group}")


def test_replicas_do_not_fall_on_the_way_to_an_autoscaler(cluster: Cluster, name: str) -> None:
    present(cluster, name, [namespace(name), deployment("app", replicas=4)])
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "app"}
    scaler = document(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "app",
        spec={"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 9},
    )
    documents = [namespace(name), deployment("app", replicas=1), scaler]
    seen: list[int] = []
    present(cluster, name, documents)
    seen.append(cluster.get("apps/v1", "Deployment", "app", name)["spec"]["replicas"])
    assert seen == [4]
    assert not present(cluster, name, documents).changed
    back = [namespace(name), deployment("app", replicas=2)]
    present(cluster, name, back)
    assert cluster.get("apps/v1", "Deployment", "app", name)["spec"]["replicas"] == 2, (
        "no conflict with our own handover"
    )


def test_a_field_that_is_left_to_others_keeps_its_value(cluster: Cluster, name: str) -> None:
    documents = [namespace(name), deployment("app", replicas=1, image="example.org/app:1")]
    present(cluster, name, documents)
    pointers = ["/spec/template/spec/containers/0/image", "/spec/replicas"]
    ignored = [{"match": {"kind": "Deployment"}, "pointers": pointers}]
    later = [namespace(name), deployment("app", replicas=5, image="example.org/app:2")]
    present(cluster, name, later, ignore_fields=ignored)
    live = cluster.get("apps/v1", "Deployment", "app", name)
    assert live["spec"]["replicas"] == 1
    assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "example.org/app:1"
    assert not present(cluster, name, later, ignore_fields=ignored).changed


def test_what_a_controller_goes_on_with_is_left_to_it(cluster: Cluster, name: str) -> None:
    """Eventing's adapter for PingSources, which its controller starts and tells what it needs."""

    def release(image: str) -> list[Document]:
        adapter = deployment("pingsource-mt-adapter", replicas=0, image=image)
        (container,) = adapter["spec"]["template"]["spec"]["containers"]
        container["env"] = [{"name": "K_LOGGING_CONFIG", "value": ""}, {"name": "K_SINK_TIMEOUT", "value": "-1"}]
        return [namespace(name), adapter]

    def live() -> Document:
        return cluster.get("apps/v1", "Deployment", "pingsource-mt-adapter", name)

    present(cluster, name, release("example.org/app:1"))
    assert live()["spec"]["replicas"] == 0
    assert not present(cluster, name, release("example.org/app:1")).changed
    started = live()
    started["spec"]["replicas"] = 1
    (container,) = started["spec"]["template"]["spec"]["containers"]
    container["env"] = [{"name": "POD_NAME", "value": "x"}, *container["env"]]
    container["env"][1]["value"] = "{}"
    path = f"/apis/apps/v1/namespaces/{name}/deployments/pingsource-mt-adapter"
    cluster.transport.call("PUT", path, query={"fieldManager": "controller"}, body=started)
    assert not present(cluster, name, release("example.org/app:1")).changed
    assert present(cluster, name, release("example.org/app:2")).changed
    after = live()["spec"]
    (container,) = after["template"]["spec"]["containers"]
    assert after["replicas"] == 1 and container["image"] == "example.org/app:2"
    assert {item["name"]: item.get("value", "") for item in container["env"]} == {
        "POD_NAME": "x", "K_LOGGING_CONFIG": "{}", "K_SINK_TIMEOUT": "-1",
    }  # fmt: skip
    assert not present(cluster, name, release("example.org/app:2")).changed


def test_what_is_taken_from_others_is_told(cluster: Cluster, name: str) -> None:
    documents = [namespace(name), config_map("a", {"x": "1"})]
    present(cluster, name, documents)
    cluster.apply(
        {**config_map("a", {"x": "9"}), "metadata": {"name": "a", "namespace": name}}, manager="helm", force=True
    )
    predicted = present(cluster, name, documents, check_mode=True, force_conflicts=True)
    taken = [step.takes for step in predicted.plan.steps if step.takes]
    assert taken == [("helm: .data.x",)]
    assert "takes helm: .data.x" in "\n".join(predicted.plan.lines())


def test_a_generated_password_is_not_made_anew_over_a_volume(cluster: Cluster, name: str) -> None:
    generated = {ObjectRef("v1", "Secret", name, "database"): frozenset({"password"})}
    documents = [namespace(name), claim("database"), secret("database", {"password": "first"})]
    present(cluster, name, documents, generated=generated)
    cluster.delete("v1", "Secret", "database", name)
    anew = [namespace(name), claim("database"), secret("database", {"password": "second"})]
    for check_mode in (True, False):
        with pytest.raises(ReleaseError, match="would lock the data out.*Put the Secret back"):
            present(cluster, name, anew, check_mode, generated=generated)
    assert cluster.get("v1", "Secret", "database", name) is None


def test_a_generated_value_that_was_taken_out_of_its_secret_is_not_made_anew(cluster: Cluster, name: str) -> None:
    """A key that is not random may come later."""
    ref = ObjectRef("v1", "Secret", name, "database")
    options: dict[str, Any] = {"generated": {ref: frozenset({"password"})}}
    before = [namespace(name), claim("database"), secret("database", {"password": "first"})]
    present(cluster, name, before, **options)
    more = [*before[:2], secret("database", {"password": "first", "user": "postgres"})]
    assert names(present(cluster, name, more, **options).configured) == [f"Secret {name}/database"]
    path = cluster.resource("v1", "Secret").path(name, "database")
    patch = {"data": {"password": None}}
    cluster.transport.call("PATCH", path, body=patch, content_type="application/merge-patch+json")
    anew = [*before[:2], secret("database", {"password": "second", "user": "postgres"})]
    for check_mode in (True, False):
        with pytest.raises(ReleaseError, match="generated password in password and is gone.*Put the Secret back"):
            present(cluster, name, anew, check_mode, **options)
    assert list(cluster.get("v1", "Secret", "database", name)["data"]) == ["user"]


def test_a_password_is_made_although_its_volume_came_first(cluster: Cluster, name: str) -> None:
    """A volume that is prepared in a step of its own, or a run that died between the two."""
    generated = {ObjectRef("v1", "Secret", name, "database"): frozenset({"password"})}
    present(cluster, name, [namespace(name), claim("database")])
    whole = [namespace(name), claim("database"), secret("database", {"password": "first"})]
    assert names(present(cluster, name, whole, generated=generated).created) == [f"Secret {name}/database"]


def test_a_generated_password_never_takes_the_place_of_one_that_is_there(
    cluster: Cluster, proxied: Cluster, fault_proxy: FaultProxy, name: str
) -> None:
    """The second guard: an answer that wrongly says the secret is not there."""
    generated = {ObjectRef("v1", "Secret", name, "database"): frozenset({"password"})}
    present(cluster, name, [namespace(name), secret("database", {"password": "first"})], generated=generated)
    before = cluster.get("v1", "Secret", "database", name)["data"]
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
    missing = json.dumps({**status, "details": {"name": "database", "kind": "secrets"}}).encode()
    empty = b'{"kind":"SecretList","apiVersion":"v1","metadata":{"resourceVersion":"1"},"items":[]}'
    fault_proxy.faults += [
        Fault("GET", r"/secrets/database$", 404, times=9, body=missing),
        Fault("GET", r"/secrets\?", 200, times=9, body=empty),
    ]
    with pytest.raises(ReleaseError, match="it is there, although the API server just said"):
        present(
            proxied,
            name,
            [namespace(name), secret("database", {"password": "second"})],
            generated=generated,
            seconds=10,
        )
    assert cluster.get("v1", "Secret", "database", name)["data"] == before


def test_data_is_not_left_behind_in_another_namespace(cluster: Cluster, name: str) -> None:
    present(cluster, name, [namespace(name), claim("database")])
    other = f"{name}-2"
    moved = [namespace(other), {**claim("database"), "metadata": {"name": "database", "namespace": other}}]
    for check_mode in (True, False):
        with pytest.raises(
            ReleaseError, match=rf"PersistentVolumeClaim {name}/database: it holds data.*namespace {other}"
        ):
            present(cluster, name, moved, check_mode)
    assert cluster.get("v1", "Namespace", other) is None


@pytest.mark.parametrize("second_says_something", [False, True])
def test_a_namespace_of_two_releases_is_shared(cluster: Cluster, name: str, second_says_something: bool) -> None:
    first, second, home = f"{name}-a", f"{name}-b", f"{name}-home"
    present(cluster, first, [namespace(home)])
    labels = {"istio-injection": "enabled"} if second_says_something else {}
    shared = {**namespace(home), "metadata": {"name": home, "labels": labels}}
    present(cluster, second, [shared, config_map("b", {})], namespace=home)
    live = cluster.get("v1", "Namespace", home)
    assert live["metadata"]["labels"]["serverless.selfhosted/release"] == first
    assert live["metadata"]["labels"].get("istio-injection") == labels.get("istio-injection")
    for release, documents in ((first, [namespace(home)]), (second, [shared, config_map("b", {})])):
        assert not present(cluster, release, documents, namespace=home).changed
    absent(cluster, first)
    assert cluster.get("v1", "ConfigMap", "b", home)
    assert not present(cluster, second, [shared, config_map("b", {})], namespace=home, check_mode=True).created
    absent(cluster, second)
    assert cluster.get("v1", "Namespace", home) is None


def test_an_object_that_another_group_serves_too_is_the_same_object(cluster: Cluster, name: str) -> None:
    about = {"kind": "Namespace", "name": name, "namespace": name}
    cluster.apply(namespace(name), manager="someone")
    first = document("v1", "Event", "e", involvedObject=about, reason="x", message="m", type="Normal")
    present(cluster, name, [first])
    second = document("events.k8s.io/v1", "Event", "e", regarding=about, reason="x", note="m", type="Normal")
    assert not present(cluster, name, [second]).deleted
    assert cluster.get("v1", "Event", "e", name) and not present(cluster, name, [second]).changed


def test_an_object_of_another_api_version_is_the_same_object(cluster: Cluster, name: str) -> None:
    def scaler(version: str) -> dict[str, Any]:
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "app"}
        return document(
            f"autoscaling/{version}",
            "HorizontalPodAutoscaler",
            "app",
            spec={"scaleTargetRef": target, "maxReplicas": 2},
        )

    present(cluster, name, [namespace(name), scaler("v1")])
    outcome = present(cluster, name, [namespace(name), scaler("v2")])
    assert names(outcome.deleted) == []
    assert cluster.get("autoscaling/v2", "HorizontalPodAutoscaler", "app", name)
