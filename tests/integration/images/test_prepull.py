"""Images brought by pods, where no command can be run on nodes: by volumes, by containers, and away again."""

from __future__ import annotations

from typing import Any

from ..conftest import until
from .conftest import Lab, changed, knative

PAUSE = "registry.k8s.io/pause:3.10.2"
IMAGES = [
    knative("eventing", "mtping"),
    "registry.k8s.io/metrics-server/metrics-server:v0.9.0",
]
WANTED = {
    "image_prefetch_delivery": "prepull",
    "image_prefetch_components": [],
    "image_prefetch_check_only": [],
    "image_prefetch_extra_images": IMAGES,
}


def prepull(lab: Lab, **variables: Any) -> int:
    """Run the role with prepull and return how many tasks changed something."""
    return changed(lab.run("site.yml", "--tags", "image_prefetch", **WANTED, **lab.policy(lab.mirror), **variables))


def pods(lab: Lab, namespace: str) -> list[dict[str, Any]]:
    return lab.site.objects("pods", "-n", namespace)


def told(lab: Lab) -> set[str]:
    """The names of the images that the node tells the cluster."""
    images = [image for node in lab.site.objects("nodes") for image in node["status"].get("images") or []]
    return {name for image in images for name in image.get("names") or []}


def spaces(lab: Lab) -> str:
    return lab.site.kubectl("get", "namespaces", "-o", "name")


def test_by_containers_and_by_volumes(lab: Lab) -> None:
    lab.empty_node()
    # What prepull cannot do, and somebody else would have done: the node knows the mirrors.
    lab.run("site.yml", "--tags", "image_prefetch", image_prefetch_pull=False)
    assert not lab.on_node()
    # The kubelet looks every half minute only; what it tells as there is not pulled.
    until("the node tells none of them", lambda: not {*IMAGES} & told(lab), 120)

    assert prepull(lab, image_prefetch_prepull_by="containers") >= 1
    assert {*IMAGES} <= lab.on_node()
    assert "image-prefetch" not in spaces(lab)
    assert prepull(lab, image_prefetch_prepull_by="containers") == 0
    lab.empty_node()

    elsewhere = {"image_prefetch_prepull_namespace": "pulled-ahead", "image_prefetch_prepull_timeout": 300}
    assert prepull(lab, **elsewhere) >= 1
    assert {*IMAGES} <= lab.on_node()
    (pod,) = pods(lab, "pulled-ahead")
    assert pod["status"]["phase"] == "Running"
    assert {*IMAGES, PAUSE} == {volume["image"]["reference"] for volume in pod["spec"]["volumes"]}
    assert prepull(lab, **elsewhere) == 0

    assert changed(lab.images("remove")) >= 1
    assert "pulled-ahead" not in spaces(lab)
    assert changed(lab.images("remove")) == 0
    lab.empty_node()
