"""The pure rules: retries, pointers, stages, what is sent, what is owned."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.backoff import (
    parse_retry_after,
    pause_before,
    worth_retrying,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.desired.documents import flatten
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.desired.pointers import without
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.desired.sent_fields import sent_fields
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.desired.stages import Stage, stage_of
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ApiError, ReleaseError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.inventory.managed_fields import owned_fields
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.objects import ObjectRef, matches
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.present.conflicts import (
    changes_nothing,
    value_at,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.plan.present.drift import settled
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.readiness import wait_list
from releases import config_map, deployment, document


def refusal(status: int, reason: str = "x", message: str = "", causes: list | None = None) -> ApiError:
    return ApiError("PATCH", "/x", status, reason, message, causes or [])


@pytest.mark.parametrize(
    ("error", "worth"),
    [
        (refusal(429), True),
        (refusal(500, message='failed calling webhook "x"'), True),
        (refusal(503), True),
        (refusal(409, "Conflict"), True),
        (refusal(409, "AlreadyExists"), False),
        (refusal(409, "Conflict", causes=[{"reason": "FieldManagerConflict"}]), False),
        (refusal(403, "Forbidden"), False),
        (refusal(403, "Forbidden", causes=[{"reason": "NamespaceTerminating"}]), True),
        (refusal(404, "NotFound"), False),
        (refusal(404, "", "404 page not found"), True),
        (refusal(500, message="failed to create typed patch object: .x: field not declared in schema"), False),
        (refusal(422, "Invalid"), False),
        (refusal(422, "Invalid", "spec.clusterIPs: failed to allocate IP: allocator not ready"), True),
    ],
)
def test_which_refusals_are_worth_another_try(error: ApiError, worth: bool) -> None:
    assert worth_retrying(error) is worth


def test_pauses_grow_to_a_ceiling_and_follow_the_server() -> None:
    rng = random.Random(1)
    pauses = [pause_before(attempt, None, rng) for attempt in range(1, 12)]
    assert all(0.05 <= pause <= 5.0 for pause in pauses) and pauses[0] <= 0.2 and max(pauses) > 1
    assert pause_before(1, 7.0) == 7.0 and pause_before(1, 900.0) == 30.0


def test_retry_after_in_both_forms() -> None:
    now = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
    assert parse_retry_after("3") == 3.0
    assert parse_retry_after("Thu, 01 Jan 2026 12:00:05 GMT", now) == 5.0
    assert parse_retry_after("soon") is None and parse_retry_after(None) is None


def test_pointers_with_stars_and_escapes() -> None:
    item = {"a": [{"b": 1, "c": 2}, {"b": 3}], "d/e": 1, "f": {"x": 1, "y": 2}}
    assert without(item, ["/a/*/b", "/d~1e", "/f/*", "/nowhere/at/all"]) == {"a": [{"c": 2}, {}], "f": {}}
    assert without(item, ["/a/0"])["a"] == [{"b": 3}] and len(item["a"]) == 2
    with pytest.raises(ValueError, match="leading slash"):
        without(item, ["a"])


@pytest.mark.parametrize(
    ("item", "stage"),
    [
        (document("v1", "Namespace", "x"), Stage.DEFINITIONS),
        (document("apiextensions.k8s.io/v1", "CustomResourceDefinition", "x"), Stage.DEFINITIONS),
        (config_map("x", {}), Stage.SETTINGS),
        (document("rbac.authorization.k8s.io/v1", "ClusterRole", "x"), Stage.SETTINGS),
        (document("autoscaling/v2", "HorizontalPodAutoscaler", "x"), Stage.SETTINGS),
        (deployment("x"), Stage.WORKLOADS),
        (deployment("x", image="auto"), Stage.GUARDED),
        (document("apiregistration.k8s.io/v1", "APIService", "x"), Stage.WORKLOADS),
        (document("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "x"), Stage.WEBHOOKS),
        (document("serving.knative.dev/v1", "Service", "x"), Stage.GUARDED),
        (document("gateway.networking.k8s.io/v1", "Gateway", "x"), Stage.GUARDED),
    ],
)
def test_stages(item: dict, stage: Stage) -> None:
    assert stage_of(item) is stage


@pytest.mark.parametrize(("authority", "sent"), [(None, False), ("", False), ("Cg==", False), ("YQ==", True)])
def test_an_authority_is_left_out_only_where_a_controller_fills_it_in(authority: str | None, sent: bool) -> None:
    client = {"service": {"name": "s"}, "caBundle": authority}
    webhook = document("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "x")
    definition = document("apiextensions.k8s.io/v1", "CustomResourceDefinition", "x")
    service = document("apiregistration.k8s.io/v1", "APIService", "x")
    conversion = {"strategy": "Webhook", "webhook": {"clientConfig": dict(client)}}
    results = [
        sent_fields({**webhook, "webhooks": [{"name": "a", "clientConfig": dict(client)}]}, [])["webhooks"][0][
            "clientConfig"
        ],
        sent_fields({**definition, "spec": {"conversion": conversion}}, [])["spec"]["conversion"]["webhook"][
            "clientConfig"
        ],
        sent_fields({**service, "spec": dict(client)}, [])["spec"],
    ]
    assert ["caBundle" in result for result in results] == [sent] * 3


def test_fields_of_controllers_are_not_sent() -> None:
    hook = {
        "name": "x",
        "clientConfig": {"caBundle": "YQ==", "service": {"name": "s"}},
        "rules": [1],
        "failurePolicy": "F",
    }
    knative = document("admissionregistration.k8s.io/v1", "MutatingWebhookConfiguration", "webhook.serving.knative.dev")
    sent = sent_fields({**knative, "webhooks": [hook]}, [])
    assert sent["webhooks"] == [{"name": "x", "clientConfig": {"service": {"name": "s"}}, "failurePolicy": "F"}]

    istio = document(
        "admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "istio-validator-istio-system"
    )
    sent = sent_fields({**istio, "webhooks": [hook]}, [])
    assert sent["webhooks"] == [{"name": "x", "clientConfig": {"service": {"name": "s"}}, "rules": [1]}]

    role = document("rbac.authorization.k8s.io/v1", "ClusterRole", "x", aggregationRule={"a": 1}, rules=[])
    assert "rules" not in sent_fields(role, []) and "rules" in sent_fields({**role, "aggregationRule": None}, [])


def test_secrets_are_sent_as_data_and_empty_ones_without() -> None:
    item = document("v1", "Secret", "s", stringData={"a": "x"}, data={"b": "Yg=="})
    assert sent_fields(item, [])["data"] == {"a": "eA==", "b": "Yg=="}
    assert "stringData" not in sent_fields(item, [])
    assert "data" not in sent_fields(document("v1", "Secret", "s", data={}), [])


def managed(live: dict, fields: dict) -> dict:
    entry = {"manager": "us", "operation": "Apply", "fieldsV1": fields}
    return {**live, "metadata": {"name": "x", "managedFields": [entry]}}


def test_owned_fields_follow_keys_values_and_leaves() -> None:
    live = managed(
        {
            "spec": {
                "ports": [{"port": 80, "protocol": "TCP", "nodePort": 1}, {"port": 443, "protocol": "TCP"}],
                "finalizers": ["a", "b"],
                "whole": {"x": {"y": 1}},
                "other": 1,
            }
        },
        {
            "f:spec": {
                "f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}}},
                "f:finalizers": {'v:"b"': {}},
                "f:whole": {},
            }
        },
    )
    assert owned_fields(live, "us") == {
        "spec": {"ports": [{"port": 80}], "finalizers": ["b"], "whole": {"x": {"y": 1}}}
    }
    assert owned_fields(live, "them") == {} and owned_fields(None, "us") == {}


def test_settled_only_when_nothing_can_change() -> None:
    fields = {"f:data": {"f:a": {}}, "f:metadata": {"f:labels": {"f:l": {}}}}
    live = managed({"data": {"a": "1", "theirs": "2"}}, fields)
    live["metadata"]["labels"] = {"l": "1", "theirs": "2"}
    wanted = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "x", "labels": {"l": "1"}},
        "data": {"a": "1"},
    }
    assert settled(wanted, live, "us")
    assert not settled({**wanted, "data": {"a": "2"}}, live, "us")
    assert not settled({**wanted, "data": {"a": "1", "b": "1"}}, live, "us")
    assert not settled({**wanted, "data": {}}, live, "us")
    assert not settled(wanted, live, "them")
    live["metadata"]["deletionTimestamp"] = "now"
    assert not settled(wanted, live, "us")


def test_settled_looks_into_keyed_lists() -> None:
    fields = {"f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}, "f:name": {}}}}}
    live = managed({"spec": {"ports": [{"port": 80, "protocol": "TCP", "name": "http", "nodePort": 3}]}}, fields)
    wanted = {"metadata": {"name": "x"}, "spec": {"ports": [{"port": 80, "name": "http"}]}}
    assert settled(wanted, live, "us")
    assert not settled({**wanted, "spec": {"ports": [{"port": 81, "name": "http"}]}}, live, "us")
    assert not settled({**wanted, "spec": {"ports": [{"port": 80, "name": "web"}]}}, live, "us")
    assert not settled({**wanted, "spec": {"ports": []}}, live, "us")


@pytest.mark.parametrize(
    ("api_version", "path", "theirs", "same"),
    [
        ("apps/v1", "metadata.name", {}, True),
        ("apps/v1", "metadata.uid", {}, False),
        ("apps/v1", "metadata.name", {"apiVersion": "v2"}, False),
        ("apps/v1", "metadata.name", {"more": 1}, False),
        # Who knows what stands for what in a kind of others
        ("example.org/v1", "metadata.name", {}, False),
    ],
)
def test_settled_knows_what_the_server_fills_in(
    api_version: str, path: str, theirs: dict[str, Any], same: bool
) -> None:
    fields = {"f:spec": {"f:env": {'k:{"name":"A"}': {".": {}, "f:name": {}, "f:valueFrom": {"f:fieldRef": {}}}}}}
    there = {"apiVersion": "v1", "fieldPath": "metadata.name", **theirs}
    live = managed({"spec": {"env": [{"name": "A", "valueFrom": {"fieldRef": there}}]}}, fields)
    env = [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": path}}}]
    wanted = {"apiVersion": api_version, "metadata": {"name": "x"}, "spec": {"env": env}}
    assert settled(wanted, live, "us") is same


def test_the_wait_list_knows_what_becomes_ready() -> None:
    items = [
        deployment("a"),
        config_map("b", {}),
        document("serving.knative.dev/v1", "Service", "c"),
        document("v1", "Service", "d"),
        document("apiregistration.k8s.io/v1", "APIService", "e"),
    ]
    assert [(target["name"], target["condition"]) for target in wait_list(items)] == [
        ("a", "rollout"),
        ("c", "Ready"),
        ("e", "Available"),
    ]


def test_references_survive_the_record() -> None:
    for ref in (ObjectRef("v1", "Namespace", "", "x"), ObjectRef("apps/v1", "Deployment", "n", "x")):
        assert ObjectRef.from_line(ref.to_line()) == ref


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (".spec.list", [{"name": "a.b", "port": 80, "x": 1}, {"name": "c", "port": 1, "x": 2}]),
        ('.spec.list[name="a.b"].x', 1),
        ('.spec.list[name="c",port=1].x', 2),
        (".metadata.labels.a", "1"),
    ],
)
def test_field_paths_of_conflicts(path: str, value: object) -> None:
    items = [{"name": "a.b", "port": 80, "x": 1}, {"name": "c", "port": 1, "x": 2}]
    assert value_at({"metadata": {"labels": {"a": "1"}}, "spec": {"list": items}}, path) == value


@pytest.mark.parametrize("path", [".spec.nowhere", '.spec[name="x"]', "spec", '.metadata.finalizers[="x"]'])
def test_field_paths_that_are_not_understood_equal_nothing(path: str) -> None:
    item = {"metadata": {"finalizers": ["x"]}, "spec": {}}
    error = refusal(409, "Conflict", causes=[{"reason": "FieldManagerConflict", "field": path}])
    assert not changes_nothing(error, item, item)


def test_matchers() -> None:
    item = document("apps/v1", "Deployment", "config-a")
    assert matches({}, item) and matches({"kind": "Deployment", "name": "config-*", "group": "apps"}, item)
    assert not matches({"group": ""}, item) and matches({"kind": "Deployment", "namespace": None}, item)


def test_what_is_no_object_is_named() -> None:
    with pytest.raises(ReleaseError, match="document 2 of file.yaml is no Kubernetes object"):
        flatten([None, {"kind": "X"}], "file.yaml")
