"""The choice of the tool that builds images."""

from __future__ import annotations

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.todo.builder import BuilderError, choose_builder


@pytest.mark.parametrize(
    ("wanted", "there", "version", "chosen"),
    [
        ("auto", {"buildah", "docker"}, 28, "buildah"),
        ("auto", {"docker"}, 28, "docker"),
        ("buildah", {"buildah", "docker"}, 28, "buildah"),
        ("docker", {"buildah", "docker"}, 28, "docker"),
    ],
)
def test_the_tool_that_is_there(wanted, there, version, chosen):
    assert choose_builder(wanted, lambda name: name if name in there else None, lambda: version) == chosen


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
        choose_builder(wanted, lambda name: name if name in there else None, lambda: 0)


def test_a_docker_that_is_too_old_is_named():
    with pytest.raises(BuilderError, match="docker 20 is too old, 25 is needed"):
        choose_builder("auto", lambda name: name if name == "docker" else None, lambda: 20)
