"""The choice of the tool that builds images."""

from __future__ import annotations

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.builder import BuilderError, choose_builder


@pytest.mark.parametrize(
    ("wanted", "there", "docker_works", "chosen"),
    [
        ("auto", {"buildah", "docker"}, True, "buildah"),
        ("auto", {"docker"}, True, "docker"),
        ("buildah", {"buildah", "docker"}, True, "buildah"),
        ("docker", {"buildah", "docker"}, True, "docker"),
    ],
)
def test_the_tool_that_is_there(wanted, there, docker_works, chosen):
    assert choose_builder(wanted, lambda name: name if name in there else None, lambda: docker_works) == chosen


@pytest.mark.parametrize(
    ("wanted", "there", "advice"),
    [
        ("auto", {"docker"}, "install buildah or start docker"),
        ("auto", set(), "install buildah"),
        ("buildah", {"docker"}, "todo_builder: docker"),
        ("docker", {"buildah", "docker"}, "todo_builder: buildah"),
    ],
)
def test_a_missing_tool_is_an_error_with_advice(wanted, there, advice):
    with pytest.raises(BuilderError, match=advice):
        choose_builder(wanted, lambda name: name if name in there else None, lambda: False)
