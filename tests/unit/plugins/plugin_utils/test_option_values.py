"""Values of options, checked at once: what is wrong, what is not known yet, and what only somebody else has."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleError, AnsibleUndefinedVariable
from ansible_collections.selfhosted.serverless.plugins.plugin_utils.option_values import faulty_values

ROLES = {
    "istio": {
        "istio_state": {"type": "str", "choices": ["present", "absent"], "description": "What is wanted."},
        "istio_wait_timeout": {"type": "int", "default": 300, "version_added": "1.0.0"},
        "istio_scale": {"type": "dict", "options": {"replicas": {"type": "int", "required": True}}},
    },
    "todo": {"todo_namespace": {"type": "str"}, "todo_traffic": {"type": "dict"}},
}


def faults(**values: Any) -> list[str]:
    def value(name: str) -> Any:
        if isinstance(values[name], Exception):
            raise values[name]
        return values[name]

    return faulty_values(ROLES, values, value)


def test_values_that_fit_and_variables_of_others_are_left_alone() -> None:
    assert faults(istio_state="absent", istio_wait_timeout="20", istio_scale={"replicas": 2}, other="x") == []
    assert faults() == [], "nothing is required: roles have defaults"


def test_all_that_is_wrong_is_told_with_its_role() -> None:
    wait, state, traffic = faults(istio_state="gone", istio_wait_timeout="soon", todo_traffic=[1])
    assert "role istio: value of istio_state must be one of: present, absent, got: gone" in (wait, state)
    assert 'istio_wait_timeout is "soon", which is no number; write 1 second or more' in (wait, state)
    assert traffic.startswith("role todo:") and "todo_traffic" in traffic


def test_parts_of_values_are_checked_too() -> None:
    lines = faults(istio_scale={"replica": 2})
    assert any("missing" in line and "replicas" in line for line in lines)
    assert all(line.startswith("role istio:") for line in lines)


@pytest.mark.parametrize("name", ["__serverless_release", "todo_namespace"])
def test_what_is_known_later_is_left_to_the_role(name: str) -> None:
    assert faults(istio_state=AnsibleUndefinedVariable(f"'{name}' is undefined")) == []


def test_what_nobody_says_is_told() -> None:
    assert faults(istio_state=AnsibleUndefinedVariable("'nobody' is undefined")) == [
        "istio_state cannot be read: 'nobody' is undefined"
    ]
    (line,) = faults(todo_namespace=AnsibleError("the lookup found no file"))
    assert line == "todo_namespace cannot be read: the lookup found no file"
