"""Parts of a document by JSON pointer, held against what is owned."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.desired.pointers import not_owned

ENV = [{"name": "a/b", "value": "1"}, {"name": "c", "value": "2"}, {"name": "d"}]
OF_C = 'k:{"name":"c"}'
BOTH = ["/spec/env/0/value", "/spec/env/1/value"]


@pytest.mark.parametrize(
    ("owned", "lacking"),
    [
        ({}, ["/spec/replicas", *BOTH]),
        ({"f:spec": {"f:replicas": {}, "f:env": {OF_C: {"f:name": {}}}}}, BOTH),
        ({"f:spec": {"f:replicas": {}, "f:env": {OF_C: {".": {}, "f:value": {}}}}}, ["/spec/env/0/value"]),
        ({"f:spec": {"f:replicas": {}, "f:env": {}}}, []),
        ({"f:spec": {}}, []),
    ],
)  # fmt: skip
def test_what_is_not_owned_is_found(owned: dict[str, Any], lacking: list[str]) -> None:
    document = {"spec": {"replicas": 0, "env": ENV}}
    assert not_owned(document, ["/spec/replicas", "/spec/env/*/value", "/spec/nothing"], owned) == lacking


def test_places_are_pointers() -> None:
    assert not_owned({"data": {"a/b": 1, "c~d": 2}}, ["/data/*"], {}) == ["/data/a~1b", "/data/c~0d"]
