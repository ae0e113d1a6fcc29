"""The images of a pod, wherever its specification names one."""

from __future__ import annotations

from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.pods import images_of_pod, pod_name


def test_containers_of_all_kinds_and_image_volumes() -> None:
    pod = {
        "metadata": {"namespace": "n", "name": "p"},
        "spec": {
            "initContainers": [{"image": "init:1"}],
            "containers": [{"image": "main:1"}, {"image": "side:1"}, {"image": "main:1"}],
            "ephemeralContainers": [{"image": "debug:1"}],
            "volumes": [{"name": "v", "image": {"reference": "data:1"}}, {"name": "w", "emptyDir": {}}],
        },
    }
    assert images_of_pod(pod) == ["init:1", "main:1", "side:1", "debug:1", "data:1"]
    assert pod_name(pod) == "n/p"
