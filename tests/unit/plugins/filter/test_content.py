"""The registries that Knative must not ask itself, out of every form of an image policy."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.filter.content import as_knative, registries_of_policy
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import PolicyError

KUBERNETES = "registry.k8s.io"
HUB = "index.docker.io"


@pytest.mark.parametrize(
    ("policy", "hosts"),
    [
        ({}, []),
        (None, []),
        ({"mirrors": {"docker.io": ["harbor/hub", {"host": "[fd00::1]:5000"}]}}, ["[fd00::1]:5000", "harbor", HUB]),
        ({"mirrors": {KUBERNETES: ["m.example/k8s"]}}, ["m.example", KUBERNETES]),
        ({"mirrors": {KUBERNETES: [{"host": "m.example:5000"}]}}, ["m.example:5000", KUBERNETES]),
        # Flat, as in the mode that takes it, in the default mode, and beside other forms.
        ({"mirrors": {KUBERNETES: [{"flat": "m.example/k8s"}]}, "mode": "rewrite"}, ["m.example", KUBERNETES]),
        ({"mirrors": {KUBERNETES: [{"flat": "m.example/google_containers"}]}}, ["m.example", KUBERNETES]),
        (
            {"mirrors": {"docker.io": [{"flat": "a.example/x"}, "b.example", "docker.io"]}},
            ["a.example", "b.example", HUB],
        ),
        # A source with a path stands for its registry.
        ({"mirrors": {"gcr.io/knative-releases": ["m.example/k"]}, "mode": "rewrite"}, ["gcr.io", "m.example"]),
        ({"mirrors": {"gcr.io/a": ["gcr.io"], "gcr.io/b/": [{"flat": "m.example"}]}}, ["gcr.io", "m.example"]),
        ({"mirrors": {"index.docker.io": ["m.example"]}}, [HUB, "m.example"]),
        ({"preset": "aliyun"}, ["registry.cn-hangzhou.aliyuncs.com", KUBERNETES]),
        ({"preset": "aliyun", "mirrors": {KUBERNETES: ["own.example"]}}, ["own.example", KUBERNETES]),
        ({"registries": {"127.0.0.1:5000": {"plain_http": True}}}, ["127.0.0.1:5000"]),
        ({"map": {"docker.io/a/b:1": "own.example/b:1"}}, ["own.example"]),
    ],
)
def test_every_form_of_a_policy(policy: dict[str, Any] | None, hosts: list[str]) -> None:
    assert registries_of_policy(policy) == sorted(hosts)


def test_a_preset_has_all_its_registries() -> None:
    found = registries_of_policy({"preset": "daocloud"})
    assert {HUB, "gcr.io", "ghcr.io", "m.daocloud.io", "quay.io", KUBERNETES} < set(found)
    assert "docker.io" not in found


def test_what_is_no_policy_says_what_to_write() -> None:
    with pytest.raises(PolicyError, match="is no mirror; write 'host/path'"):
        registries_of_policy({"mirrors": {KUBERNETES: [{"flats": "m.example"}]}})


def test_registries_given_by_hand_are_written_as_knative_does() -> None:
    assert as_knative(["quay.io", "docker.io", "index.docker.io"]) == [HUB, "quay.io"]
