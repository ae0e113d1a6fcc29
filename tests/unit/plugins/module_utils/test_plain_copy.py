"""Copies of documents."""

from __future__ import annotations

import copy
from typing import Any

from ansible_collections.selfhosted.serverless.plugins.module_utils.plain_copy import plain_copy
from hypothesis import given
from hypothesis import strategies as st

SCALARS = st.none() | st.booleans() | st.integers() | st.text()
VALUES = st.recursive(SCALARS, lambda part: st.lists(part) | st.dictionaries(st.text(), part))


def containers(value: Any) -> list[Any]:
    if not isinstance(value, (dict, list)):
        return []
    return [
        value,
        *(one for item in (value.values() if isinstance(value, dict) else value) for one in containers(item)),
    ]


@given(VALUES)
def test_a_copy_is_equal_and_shares_nothing_that_changes(value: Any) -> None:
    copied = plain_copy(value)
    assert copied == copy.deepcopy(value)
    assert not {id(one) for one in containers(copied)} & {id(one) for one in containers(value)}
