"""The content of a registry secret."""

from __future__ import annotations

import base64
import json

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.docker_config import (
    DockerConfigError,
    docker_config,
)


def test_the_kubelet_finds_user_and_password_under_the_registry() -> None:
    config = json.loads(docker_config("registry.example:5001", "todo", "s3cret:with colon"))
    entry = config["auths"]["registry.example:5001"]
    assert (entry["username"], entry["password"]) == ("todo", "s3cret:with colon")
    assert base64.b64decode(entry["auth"]).decode() == "todo:s3cret:with colon"


@pytest.mark.parametrize(
    ("registry", "username", "password", "says"),
    [
        ("https://registry.example", "todo", "x", "without https://"),
        ("registry.example/team", "todo", "x", "without a path"),
        ("", "todo", "x", "host or host:port"),
        ("registry.example", "", "x", "user name"),
        ("registry.example", "a:b", "x", "colon"),
        ("registry.example", "todo", "", "password for todo at registry.example is empty"),
        ("registry.example", "todo", "canary\n", "line break"),
    ],
)
def test_bad_input_is_refused_without_repeating_the_password(
    registry: str, username: str, password: str, says: str
) -> None:
    with pytest.raises(DockerConfigError, match=says) as refusal:
        docker_config(registry, username, password)
    assert "canary" not in str(refusal.value)
