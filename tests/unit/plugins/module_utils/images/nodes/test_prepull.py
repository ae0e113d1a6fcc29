"""What has kubelets pull images, and how it is known that they did. tests/integration/images has it on a real node."""

from __future__ import annotations

from typing import Any

import jmespath
import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.prepull import (
    lacking,
    mounted_waits,
    prepull_documents,
    pulled_waits,
    told_waits,
    volumes_known,
)

IMAGES = ["gcr.io/b:1", "docker.io/library/a@sha256:" + "1" * 64]


def node(images: list[str], runtime: str = "containerd://2.1.0") -> dict[str, Any]:
    told = [{"names": [image]} for image in images]
    status = {"images": told, "nodeInfo": {"containerRuntimeVersion": runtime}}
    return {"metadata": {"name": "n1"}, "status": status}


@pytest.mark.parametrize(
    ("told", "holds"),
    [
        ([], False),
        (IMAGES[:1], False),
        (["x:1", *IMAGES], True),
        ([f"x:{number}" for number in range(49)], False),
        # It tells no more than that, so there is nothing to wait for.
        ([f"x:{number}" for number in range(50)], True),
    ],
)
def test_nodes_are_waited_for_until_they_tell_the_images(told: list[str], holds: bool) -> None:
    (target,) = told_waits([node([])], IMAGES)
    assert (target["kind"], target["name"]) == ("Node", "n1")
    assert jmespath.search(target["expression"], node(told)) is holds
    assert lacking([node(told)], IMAGES) == sorted(set(IMAGES) - set(told))
    assert told_waits([node([])], []) == []


def test_containers_that_cannot_start_have_still_pulled() -> None:
    documents = prepull_documents(IMAGES, "containers", "pause:1", "space", login=False)
    started, pulled = pulled_waits(documents)
    daemon = {"status": {"desiredNumberScheduled": 1, "updatedNumberScheduled": 1}}
    assert jmespath.search(started["expression"], daemon)
    assert not jmespath.search(started["expression"], {"status": {"desiredNumberScheduled": 0}})
    statuses = [{"imageID": ""}, {"imageID": "sha256:1"}]
    assert not jmespath.search(pulled["expression"], {"status": {"containerStatuses": statuses}})
    assert jmespath.search(pulled["expression"], {"status": {"containerStatuses": statuses[1:] * 2}})


@pytest.mark.parametrize(
    ("server", "runtime", "known"),
    [
        ("v1.36.3", "containerd://2.1.0", True),
        ("v1.34.1", "containerd://2.4.0", False),
        ("v1.35.0+k3s1", "containerd://1.7.27", False),
        ("v1.35.0", "cri-o://1.33.1", True),
        ("v1.35.0", "docker://28.1.1", False),
    ],
)
def test_when_image_volumes_can_be_had(server: str, runtime: str, known: bool) -> None:
    assert volumes_known(server, [node([], runtime)]) is known


def _named(name: str, ready: str = "True", labels: dict[str, str] | None = None, **info: str) -> dict[str, Any]:
    told = {
        "architecture": "amd64",
        "operatingSystem": "linux",
        "containerRuntimeVersion": "containerd://2.1.0",
        **info,
    }
    status = {"nodeInfo": told, "conditions": [{"type": "Ready", "status": ready}]}
    return {"metadata": {"name": name, "labels": labels or {}}, "status": status}


MIXED = [
    _named("linux"),
    _named("windows", operatingSystem="windows", containerRuntimeVersion="containerd://1.7.0"),
    _named("aci", architecture="", containerRuntimeVersion=""),
    _named("labelled", labels={"type": "virtual-kubelet"}, containerRuntimeVersion=""),
    _named("fake", containerRuntimeVersion="kwok-v0.8.0"),
    _named("down", "Unknown"),
]


def test_only_nodes_of_linux_are_asked_and_waited_for() -> None:
    assert volumes_known("v1.36.3", MIXED) is True
    assert [target["name"] for target in told_waits(MIXED, IMAGES)] == ["linux"]
    has_all = {**MIXED[0], "status": {**MIXED[0]["status"], "images": [{"names": IMAGES}]}}
    assert lacking([has_all, *MIXED[1:]], IMAGES) == []


@pytest.mark.parametrize("by", ["volumes", "containers"])
def test_pods_go_to_nodes_of_linux_alone(by: str) -> None:
    (daemon,) = prepull_documents(IMAGES, by, "pause:1", "space", False, MIXED)[1:]
    pod = daemon["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"kubernetes.io/os": "linux"}
    affinity = pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    (term,) = affinity["nodeSelectorTerms"]
    assert {"key": "type", "operator": "NotIn", "values": ["virtual-kubelet", "virtual-node", "kwok"]} in term[
        "matchExpressions"
    ]
    # What no label tells is named, one value a field as the API takes it.
    assert [field["values"] for field in term["matchFields"]] == [["aci"], ["fake"]]


def test_pods_on_a_node_that_is_down_are_not_waited_for() -> None:
    documents = prepull_documents(IMAGES, "containers", "pause:1", "space", False, MIXED)
    _started, pulled = pulled_waits(documents, MIXED)
    assert jmespath.search(pulled["expression"], {"spec": {"nodeName": "down"}, "status": {}})
    assert not jmespath.search(pulled["expression"], {"spec": {"nodeName": "linux"}, "status": {}})

    documents = prepull_documents(IMAGES, "volumes", "pause:1", "space", False, MIXED)
    (target,) = mounted_waits(documents, MIXED)

    def complete(ready: int, updated: int | None = 2, observed: int = 3) -> bool:
        status: dict[str, Any] = {"desiredNumberScheduled": 2, "numberReady": ready, "observedGeneration": observed}
        if updated is not None:
            status["updatedNumberScheduled"] = updated
        return jmespath.search(target["expression"], {"metadata": {"generation": 3}, "status": status})

    assert complete(1) and complete(1, 1) and complete(2)
    assert not complete(0) and not complete(1, None) and not complete(1, observed=2)
    # Where all nodes are there, the DaemonSet is to be complete, which the role waits for by itself.
    assert mounted_waits(documents, MIXED[:5]) == []
