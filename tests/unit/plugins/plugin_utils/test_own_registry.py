"""The application's registry is said once, and the image policy knows it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.reference import Reference
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.own_registry import with_own_registry

SAID = {
    "serverless_registry": "r.example:5001",
    "serverless_registry_username": "todo",
    "serverless_registry_password": {"env": "REGISTRY_PASSWORD"},
}
LOGIN = {"username": "todo", "password": {"env": "REGISTRY_PASSWORD"}}


@pytest.mark.parametrize(
    ("registries", "expected"),
    [
        (None, LOGIN),
        ({"r.example:5001": {"ca_file": "/ca"}}, {"ca_file": "/ca", **LOGIN}),
        (
            {"r.example:5001": {"username": "pusher", "password": {"value": "p"}}},
            {"username": "pusher", "password": {"value": "p"}},
        ),
    ],
)
def test_the_login_of_the_registry_counts_where_the_policy_says_none(
    registries: dict[str, Any] | None, expected: dict[str, Any]
) -> None:
    given = {"mode": "rewrite", "registries": registries}
    assert with_own_registry(given, SAID.get)["registries"] == {"r.example:5001": expected}
    assert given["registries"] is registries


def test_the_application_comes_from_there_though_all_else_comes_from_mirrors() -> None:
    mirrors = {"mode": "rewrite", "mirrors": {"docker.io": ["m.example/docker.io"]}}
    policy = ImagePolicy.from_config(with_own_registry(mirrors, {"serverless_registry": "r.example/team"}.get))
    (place,) = policy.candidates(Reference.parse("r.example/team/todo/app:1"))
    assert str(place.reference) == "r.example/team/todo/app:1"
    assert policy.settings("r.example").username == ""


def test_without_a_registry_the_policy_is_as_it_was() -> None:
    assert with_own_registry(None, {}.get) == {}
    assert with_own_registry({"registries": ["r"]}, SAID.get) == {"registries": ["r"]}  # told where it is checked
