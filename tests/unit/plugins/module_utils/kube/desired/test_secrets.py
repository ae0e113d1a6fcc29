"""Secrets made by a release: generated once, taken from references, never told."""

from __future__ import annotations

import base64
import json

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.client.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.deadline import Deadline
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.desired.secrets import secret_document
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ReleaseError
from releases import namespace, present


def made_of(cluster: Cluster, item: dict, namespace: str | None) -> dict:
    return secret_document(cluster, item, namespace, Deadline(10))


def decoded(document: dict, key: str) -> str:
    return base64.b64decode(document["data"][key]).decode()


def test_a_generated_value_is_made_once(cluster: Cluster, name: str) -> None:
    item = {"name": "db", "keys": {"password": {"generate": 32}, "user": {"value": "todo"}}}
    first = made_of(cluster, item, name)
    assert len(decoded(first, "password")) == 32 and decoded(first, "user") == "todo"
    assert made_of(cluster, item, name) != first  # nothing is stored yet

    present(cluster, name, [namespace(name), first])
    assert made_of(cluster, item, name) == first
    assert not present(cluster, name, [namespace(name), made_of(cluster, item, name)]).changed


def test_a_docker_config_takes_its_password_from_a_file(cluster: Cluster, name: str, tmp_path) -> None:
    (tmp_path / "password").write_text("canary\n")
    login = {"username": "todo", "password": {"file": str(tmp_path / "password")}}
    made = made_of(cluster, {"name": "pull", "docker_config": {"127.0.0.1:5001": login, "b.example": login}}, name)
    assert made["type"] == "kubernetes.io/dockerconfigjson"
    auths = json.loads(decoded(made, ".dockerconfigjson"))["auths"]
    assert sorted(auths) == ["127.0.0.1:5001", "b.example"] and auths["b.example"]["password"] == "canary"


def test_mistakes_are_named_without_values(cluster: Cluster, name: str) -> None:
    with pytest.raises(ReleaseError, match="needs a name and a namespace"):
        made_of(cluster, {"name": "x"}, None)
    with pytest.raises(ReleaseError, match="at least 16, not 4"):
        made_of(cluster, {"name": "x", "keys": {"a": {"generate": 4}}}, name)
    with pytest.raises(ValueError, match="NO_SUCH_VARIABLE"):
        made_of(cluster, {"name": "x", "keys": {"a": {"env": "NO_SUCH_VARIABLE"}}}, name)
