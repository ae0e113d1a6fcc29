"""What has kubelets pull images, and how it is known that they did. tests/integration/images has it on a real node."""

from __future__ import annotations

from typing import Any

import jmespath
import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.prepull import (
    lacking,
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
