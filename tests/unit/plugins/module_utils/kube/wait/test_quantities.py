"""What pods ask for, and what no node has."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.kube.wait.quantities import (
    nobody_has,
    number,
    requests_of,
)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("250m", "0.25"),
        ("1e3", "1000"),
        ("1E", "1000000000000000000"),
        ("12e-1", "1.2"),
        ("1.5Gi", "1610612736"),
        ("2k", "2000"),
        ("7u", "0.000007"),
        (" 3 ", "3"),
        (4, "4"),
        ("0x10", "0"),
        ("1.2.3", "0"),
        ("", "0"),
        (None, "0"),
    ],
)
def test_a_quantity_is_a_number(written: Any, meant: str) -> None:
    assert number(written) == Decimal(meant)


def container(cpu: str, **fields: Any) -> dict[str, Any]:
    return {"resources": {"requests": {"cpu": cpu}}, **fields}


def sidecar(cpu: str) -> dict[str, Any]:
    return container(cpu, restartPolicy="Always")


@pytest.mark.parametrize(
    ("spec", "cpu"),
    [
        ({"containers": [container("1"), container("500m")]}, "1.5"),
        ({"containers": [container("1")], "initContainers": [container("2"), container("3")]}, "3"),
        ({"containers": [container("1")], "initContainers": [sidecar("500m")]}, "1.5"),
        ({"containers": [container("1")], "initContainers": [sidecar("500m"), container("2")]}, "2.5"),
        ({"containers": [container("1")], "initContainers": [container("2"), sidecar("500m")]}, "2"),
        ({"containers": [container("1")], "overhead": {"cpu": "250m"}}, "1.25"),
        ({"containers": [container("1")], "overhead": {"cpu": "1"}, **container("4")}, "5"),
        ({"containers": [{"resources": {"limits": {"cpu": "2"}}}]}, "2"),
        ({"containers": [{"resources": {"limits": {"cpu": "2"}, "requests": {"cpu": "1"}}}]}, "1"),
    ],
)
def test_what_a_pod_asks_for(spec: dict[str, Any], cpu: str) -> None:
    assert requests_of({"spec": spec}) == {"cpu": Decimal(cpu)}


def node(**allocatable: str) -> dict[str, Any]:
    return {"status": {"allocatable": allocatable}}


@pytest.mark.parametrize(
    ("nodes", "said"),
    [
        ([], ""),
        ([node(cpu="2", memory="4Gi")], ""),
        (
            [node(cpu="1", memory="8Gi"), node(cpu="500m", memory="8Gi")],
            "it asks for 2 cpu, and no node has more than 1",
        ),
        ([node(cpu="4", memory="1Gi")], "it asks for 3Gi memory, and no node has more than 1Gi"),
        (
            [node(cpu="4", memory="1Gi"), node(cpu="1", memory="8Gi")],
            "no single node has all that it asks for together",
        ),
        ([node(cpu="4")], "it asks for 3Gi memory, and no node has more than 0"),
    ],
)
def test_what_no_node_has(nodes: list[dict[str, Any]], said: str) -> None:
    pod = {"spec": {"containers": [{"resources": {"requests": {"cpu": "2", "memory": "3Gi"}}}]}}
    assert nobody_has(pod, nodes) == said
