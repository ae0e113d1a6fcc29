"""Pods held against restricted-v2, which every user of OpenShift has."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.openshift.scc import (
    faults,
    pods_in,
    without_fixed_ids,
)

CONFINED = {
    "runAsNonRoot": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def pod(context: dict[str, Any] | None = None, container: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    return {
        "securityContext": context or {},
        "containers": [{"name": "main", "securityContext": {**CONFINED, **(container or {})}}],
        **spec,
    }


def test_what_asks_for_nothing_is_admitted() -> None:
    assert faults({"containers": [{"name": "main"}]}) == []
    volumes = [{"name": "a", "emptyDir": {}}, {"name": "b", "persistentVolumeClaim": {"claimName": "b"}}]
    assert faults(pod(volumes=volumes)) == []


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        (pod({"runAsUser": 999}), "pod: runAsUser is 999"),
        (pod({"fsGroup": 999}), "pod: fsGroup is 999"),
        (pod(container={"runAsUser": 0}), "container main: runAsUser is 0"),
        (pod(container={"privileged": True}), "container main: privileged is true"),
        (pod(container={"allowPrivilegeEscalation": True}), "container main: allowPrivilegeEscalation is true"),
        (pod(container={"capabilities": {"add": ["NET_ADMIN"]}}), "container main: capability NET_ADMIN is added"),
        (pod(container={"seccompProfile": {"type": "Unconfined"}}), "container main: seccompProfile is Unconfined"),
        (pod({"seLinuxOptions": {"type": "spc_t"}}), "pod: seLinuxOptions are set"),
        (pod(container={"procMount": "Unmasked"}), "container main: procMount is Unmasked"),
        (pod(hostNetwork=True), "hostNetwork is true"),
        (pod(volumes=[{"name": "h", "hostPath": {"path": "/"}}]), "volume h is of the kind hostPath"),
        ({"containers": [{"name": "main", "ports": [{"hostPort": 80}]}]}, "container main: port 80 of the host"),
        (
            pod(initContainers=[{"name": "init", "securityContext": {"runAsUser": 0}}]),
            "container init: runAsUser is 0",
        ),
    ],
)
def test_what_is_refused(refused: dict[str, Any], why: str) -> None:
    assert faults(refused) == [why]


@pytest.mark.parametrize("kind", ["Pod", "Deployment", "CronJob"])
def test_ids_are_left_to_the_namespace(kind: str) -> None:
    spec = pod({"runAsUser": 1, "runAsGroup": 1, "fsGroup": 1}, {"runAsUser": 1})
    holder = {"Pod": spec, "Deployment": {"template": {"spec": spec}}}
    holder["CronJob"] = {"jobTemplate": {"spec": {"template": {"spec": spec}}}}
    document = {"kind": kind, "spec": holder[kind]}
    [changed] = pods_in(without_fixed_ids(document))
    assert faults(changed) == [] and "runAsGroup" not in changed["securityContext"]
    assert changed["containers"][0]["securityContext"] == CONFINED
    assert spec["securityContext"]["runAsUser"] == 1
    assert without_fixed_ids({"kind": "Namespace"}) == {"kind": "Namespace"}
