"""Secrets made by a release: generated once, taken from references, never told."""

from __future__ import annotations

import base64
import json

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.cluster import Cluster
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.errors import ReleaseError
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.secrets import secret_document
from releases import namespace, present


def decoded(document: dict, key: str) -> str:
    return base64.b64decode(document["data"][key]).decode()


def test_a_generated_value_is_made_once(cluster: Cluster, name: str) -> None:
    item = {"name": "db", "keys": {"password": {"generate": 32}, "user": {"value": "todo"}}}
    first = secret_document(cluster, item, name)
    assert len(decoded(first, "password")) == 32 and decoded(first, "user") == "todo"
    assert secret_document(cluster, item, name) != first  # nothing is stored yet

    present(cluster, name, [namespace(name), first])
    assert secret_document(cluster, item, name) == first
    assert not present(cluster, name, [namespace(name), secret_document(cluster, item, name)]).changed


def test_a_docker_config_takes_its_password_from_a_file(cluster: Cluster, name: str, tmp_path) -> None:
    (tmp_path / "password").write_text("canary\n")
    login = {"username": "todo", "password": {"file": str(tmp_path / "password")}}
    made = secret_document(
        cluster, {"name": "pull", "docker_config": {"127.0.0.1:5001": login, "b.example": login}}, name
    )
    assert made["type"] == "kubernetes.io/dockerconfigjson"
    auths = json.loads(decoded(made, ".dockerconfigjson"))["auths"]
    assert sorted(auths) == ["127.0.0.1:5001", "b.example"] and auths["b.example"]["password"] == "canary"


def test_mistakes_are_named_without_values(cluster: Cluster, name: str) -> None:
    with pytest.raises(ReleaseError, match="needs a name and a namespace"):
        secret_document(cluster, {"name": "x"}, None)
    with pytest.raises(ReleaseError, match="at least 16, not 4"):
        secret_document(cluster, {"name": "x", "keys": {"a": {"generate": 4}}}, name)
    with pytest.raises(ValueError, match="NO_SUCH_VARIABLE"):
        secret_document(cluster, {"name": "x", "keys": {"a": {"env": "NO_SUCH_VARIABLE"}}}, name)
