"""Overlays: merging by name, JSON patch, and what they refuse."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.errors import ContentError
from ansible_collections.selfhosted.serverless.plugins.module_utils.content.overlay import apply_overlays, merge

DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "app", "namespace": "shop", "labels": {"a": "1"}},
    "spec": {
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "main",
                        "image": "x:1",
                        "args": ["--a", "--b"],
                        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                        "ports": [{"containerPort": 80}, {"containerPort": 443}],
                    },
                    {"name": "side", "image": "y:1"},
                ]
            }
        }
    },
}
OTHER = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app"}, "data": {"x": "1"}}


def containers(document: dict) -> list[dict]:
    return document["spec"]["template"]["spec"]["containers"]


def patched(patch: dict) -> dict:
    before = copy.deepcopy(DEPLOYMENT)
    result = apply_overlays([DEPLOYMENT, OTHER], [{"match": {"kind": "Deployment"}, "patch": patch}])
    assert DEPLOYMENT == before and result[1] is OTHER
    return result[0]


def test_containers_merge_by_name_and_their_lists_too() -> None:
    main = {
        "name": "main",
        "env": [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}],
        "ports": [{"containerPort": 443, "name": "https"}],
    }
    result = containers(patched({"spec": {"template": {"spec": {"containers": [main]}}}}))
    assert result[0]["image"] == "x:1" and result[1] == {"name": "side", "image": "y:1"}
    assert [(env["name"], env["value"]) for env in result[0]["env"]] == [("A", "1"), ("B", "3"), ("C", "4")]
    assert result[0]["ports"] == [{"containerPort": 80}, {"containerPort": 443, "name": "https"}]


def test_other_lists_are_replaced_and_null_removes() -> None:
    patch = {
        "metadata": {"labels": {"a": None, "b": "2"}},
        "spec": {"template": {"spec": {"containers": [{"name": "main", "args": ["--c"], "env": []}]}}},
    }
    result = patched(patch)
    assert result["metadata"]["labels"] == {"b": "2"}
    assert containers(result)[0]["args"] == ["--c"] and containers(result)[0]["env"] == []


def test_merge_of_new_parts_drops_nulls() -> None:
    assert merge({}, {"a": {"b": None, "c": 1}}) == {"a": {"c": 1}}


@pytest.mark.parametrize(
    ("operation", "path", "value"),
    [
        ({"op": "add", "path": "/data/y", "value": "2"}, "data", {"x": "1", "y": "2"}),
        ({"op": "replace", "path": "/data/x", "value": "2"}, "data", {"x": "2"}),
        ({"op": "remove", "path": "/data/x"}, "data", {}),
        ({"op": "move", "from": "/data/x", "path": "/data/z"}, "data", {"z": "1"}),
        ({"op": "copy", "from": "/data/x", "path": "/data/a~1b"}, "data", {"x": "1", "a/b": "1"}),
        ({"op": "test", "path": "/data/x", "value": "1"}, "data", {"x": "1"}),
    ],
)
def test_json_patch(operation: dict, path: str, value: dict) -> None:
    assert apply_overlays([OTHER], [{"match": {"name": "app"}, "json_patch": [operation]}])[0][path] == value


def test_json_patch_in_lists() -> None:
    operations = [
        {"op": "add", "path": "/spec/template/spec/containers/0/args/-", "value": "--c"},
        {"op": "add", "path": "/spec/template/spec/containers/0/args/0", "value": "--first"},
        {"op": "remove", "path": "/spec/template/spec/containers/0/args/1"},
    ]
    result = apply_overlays([DEPLOYMENT], [{"match": {"kind": "Deployment"}, "json_patch": operations}])[0]
    assert containers(result)[0]["args"] == ["--first", "--b", "--c"]


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/data/nowhere"},
        {"op": "replace", "path": "/data/nowhere", "value": 1},
        {"op": "test", "path": "/data/x", "value": "9"},
        {"op": "paint", "path": "/data/x"},
        {"op": "add", "path": "data"},
    ],
)
def test_a_json_patch_that_does_not_fit(operation: dict) -> None:
    with pytest.raises(ContentError, match=r"overlay 1 .*does not fit"):
        apply_overlays([OTHER], [{"match": {"name": "app"}, "json_patch": [operation]}])


def test_an_overlay_that_matches_nothing_is_an_error_unless_optional() -> None:
    overlay = {"match": {"kind": "Service"}, "patch": {"x": 1}}
    with pytest.raises(ContentError, match=r"overlay 1 \(\{'kind': 'Service'\}\) matches no document"):
        apply_overlays([OTHER], [overlay])
    assert apply_overlays([OTHER], [{**overlay, "optional": True}]) == [OTHER]


def test_an_unknown_matcher_key_is_an_error() -> None:
    with pytest.raises(ContentError, match="unknown key label"):
        apply_overlays([OTHER], [{"match": {"label": "x"}, "patch": {}}])
