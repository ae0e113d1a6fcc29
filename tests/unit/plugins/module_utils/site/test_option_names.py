"""Misspelt options."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.selfhosted.serverless.plugins.module_utils.site.option_names import misspelt, options_of_roles

ROLES = Path(__file__).resolve().parents[5] / "roles"


def test_a_misspelt_option_is_named_with_the_nearest_one() -> None:
    assert misspelt(["istio_wait_timout"], {"istio": {"istio_wait_timeout"}}) == [
        "istio_wait_timout is no option of any role; did you mean istio_wait_timeout?"
    ]


def test_shared_options_and_strangers_are_left_alone() -> None:
    assert misspelt(["serverless_images", "ansible_connection", "my_own"], {"istio": {"istio_version"}}) == []


def test_every_role_of_the_collection_is_read() -> None:
    options = options_of_roles(ROLES)
    assert "istio_version" in options["istio"]
    assert "metrics_server_state" in options["metrics_server"]
