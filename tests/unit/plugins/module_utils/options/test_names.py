"""Misspelt options."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.options.names import (
    defaults_of_roles,
    misspelt,
    misspelt_tags,
    options_of_roles,
)

ROLES = Path(__file__).resolve().parents[5] / "roles"


def test_a_misspelt_option_is_named_with_the_nearest_one() -> None:
    assert misspelt(["istio_wait_timout"], {"istio": {"istio_wait_timeout"}}) == [
        "istio_wait_timout is no option of any role; did you mean istio_wait_timeout?"
    ]


@pytest.mark.parametrize("name", ["todo-namespace", "TODO_NAMESPACE", "Todo_Namespace"])
def test_an_option_with_hyphens_or_capitals_is_named(name: str) -> None:
    assert misspelt([name], {"todo": {"todo_namespace"}}) == [f"{name} is no option of any role; write todo_namespace"]


@pytest.mark.parametrize(
    ("to_run", "to_skip", "sentences"),
    [
        (["all"], [], []),
        (["istio", "always"], ["knative"], []),
        (["istoi"], [], ["istoi is no tag of this playbook; did you mean istio?"]),
        (["x", "istio"], [], ["x is no tag of this playbook; there are: istio, knative"]),
        (["untagged", "never"], [], []),
        (["all"], ["knatve"], ["knatve is no tag of this playbook; did you mean knative?"]),
        # What molecule skips
        (["all"], ["molecule-notest", "notest"], []),
    ],
)
def test_tags_that_nothing_has_are_named(to_run: list[str], to_skip: list[str], sentences: list[str]) -> None:
    assert misspelt_tags(to_run, to_skip, ["always", "knative", "istio"]) == sentences


def test_defaults_that_are_no_templates_are_read() -> None:
    defaults = defaults_of_roles(ROLES)
    assert defaults["todo_max_scale"] == 3 and "todo_domain" not in defaults


def test_options_and_strangers_are_left_alone() -> None:
    assert misspelt(["istio_version", "ansible_connection", "my_own"], {"istio": {"istio_version"}}) == []


def test_the_variables_of_all_roles_are_options_too() -> None:
    options = options_of_roles(ROLES)
    assert misspelt(["serverless_images", "serverless_gateway"], options) == []
    (sentence,) = misspelt(["serverless_image"], options)
    assert sentence == "serverless_image is no option of any role; did you mean serverless_images?"


@pytest.mark.parametrize(
    ("former", "now"),
    [
        ("istio_context", "serverless_context"),
        ("todo_kubeconfig", "serverless_kubeconfig"),
        ("knative_images", "serverless_images"),
        ("metrics_server_work_dir", "serverless_work_dir"),
        ("registry_secret_password", "serverless_registry_password"),
        ("todo_registry", "serverless_registry"),
        ("istio_gateway_name", "serverless_gateway"),
        ("todo_gateway_selector", "serverless_gateway"),
        ("drills_gateway_address", "serverless_gateway_address"),
        ("report_node_address", "serverless_node_address"),
        ("serverless_namespaces", "registry_secret_namespaces"),
    ],
)
def test_a_former_option_is_named_with_what_replaced_it(former: str, now: str) -> None:
    assert misspelt([former], options_of_roles(ROLES)) == [f"{former} is no option of any role any more; write {now}"]


def test_every_role_of_the_collection_is_read() -> None:
    options = options_of_roles(ROLES)
    assert "istio_version" in options["istio"]
    assert "metrics_server_state" in options["metrics_server"]
