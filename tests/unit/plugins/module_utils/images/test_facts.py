"""Facts for the diagnosis: from a real containerd's configuration, and from what a kubelet and manifests say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.cluster_facts import (
    UNPACKED,
    containers_of,
    disk_of,
    pods_refused,
    tags_of,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.containerd_config import (
    config_path,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.facts import Disk, TagResolution
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.node_facts import (
    containerd_config,
    docker_config,
    docker_version,
)
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.diagnosis.traps import always_pulled
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.nodes.runtimes import node_from_config
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.policy.policy import ImagePolicy
from containerd_process import find_containerd

DIGEST = "sha256:" + "a" * 64


def node_of(tmp_path: Path, runtime: str, words: list[str], **options: Any) -> Any:
    return node_from_config({"name": "n", "exec": words, "runtime": runtime, "certs_dir": "/certs.d", **options})


# Lines of the file, and what is certain to fail ('' for nothing)
FILES = {
    "version 2, right": ('version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/certs.d"', ""),
    "version 3, right": ('version = 3\n[plugins."io.containerd.cri.v1.images".registry]\nconfig_path = "/certs.d"', ""),
    "version 3, nothing": ("version = 3", "is not set"),
    "two": (
        'version = 3\n[plugins."io.containerd.cri.v1.images".registry]\nconfig_path = "/certs.d:/b"',
        "2 directories",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_real_containerd_tells_its_configuration(name: str, tmp_path: Path) -> None:
    text, expected = FILES[name]
    file, words = tmp_path / "config.toml", ["env", f"PATH={find_containerd()}:/usr/bin:/bin"]
    file.write_text(f"{text}\n[grpc]\naddress = '{tmp_path}/socket'\n")
    node = node_of(tmp_path, "containerd", words, config=str(file), address=f"{tmp_path}/socket")
    config = containerd_config(node)
    assert config and config.whole and "io.containerd.snapshotter.v1.overlayfs" in config.text
    found = config_path("n", config)
    assert [(item.fatal, expected in item.message) for item in found] == [(True, True)] * bool(expected)
    other = containerd_config(node_of(tmp_path, "containerd", words, config=str(file), address="/other"))
    assert other and f"whose socket is {tmp_path}/socket" in config_path("n", other)[0].message


def test_what_imports_say_counts(tmp_path: Path) -> None:
    (tmp_path / "more.toml").write_text(FILES["version 3, right"][0])
    file = tmp_path / "config.toml"
    file.write_text(f"version = 3\nimports = ['{tmp_path}/more.toml']\n")
    words = ["env", f"PATH={find_containerd()}:/usr/bin:/bin"]
    config = containerd_config(node_of(tmp_path, "containerd", words, config=str(file)))
    assert config and not config_path("n", config)


def test_without_the_program_the_file_and_without_the_file_nothing(tmp_path: Path) -> None:
    # Debian's containerd may be among the programs of this machine
    for program in ("sh", "cat"):
        (tmp_path / program).symlink_to(f"/bin/{program}")
    file, words = tmp_path / "config.toml", ["env", f"PATH={tmp_path}"]
    file.write_text(FILES["version 2, right"][0])
    config = containerd_config(node_of(tmp_path, "k3s", words, config=str(file)))
    assert config and not config.whole and config.text == FILES["version 2, right"][0]
    assert containerd_config(node_of(tmp_path, "containerd", words, config=str(tmp_path / "none"))) is None
    daemon = tmp_path / "daemon.json"
    assert docker_config(node_of(tmp_path, "docker", [], config=str(daemon))) is None
    daemon.write_text("{}")
    assert docker_config(node_of(tmp_path, "docker", [], config=str(daemon))) == "{}"


@pytest.mark.parametrize(("said", "major"), [("29.1.0", 29), ("v28.0.4", 28), ("dev", 0)])
def test_the_version_of_a_nodes_docker(tmp_path: Path, said: str, major: int) -> None:
    assert docker_version(node_of(tmp_path, "docker", [], docker=["echo", said])) == major


def test_the_disk_of_a_kubelet() -> None:
    node = {
        "metadata": {"name": "n1"},
        "status": {
            "conditions": [{"type": "DiskPressure", "status": "False"}],
            "images": [{"names": ["gcr.io/a@" + DIGEST, "gcr.io/a:1"]}],
        },
    }
    summary = {"node": {"runtime": {"imageFs": {"capacityBytes": 1000, "availableBytes": 400, "usedBytes": 1}}}}
    rows = [{"delivered": "gcr.io/a:1", "size": 7}, {"delivered": "gcr.io/b:1", "size": 20}]
    kubelet = {"kubeletconfig": {"imageGCHighThresholdPercent": 90}}
    assert disk_of(node, summary, kubelet, rows) == Disk("n1", 1000, 400, 20 * UNPACKED, 0.9, False)
    assert disk_of(node, summary, {}, []) == Disk("n1", 1000, 400, 0, 0.85, False)
    assert disk_of(node, {"node": {}}, kubelet, rows) is None


def pod_template(**container: str) -> dict[str, Any]:
    return {"template": {"spec": {"containers": [{"name": "main", **container}]}}}


def test_containers_of_manifests_by_their_names_after_the_map() -> None:
    policy = ImagePolicy.from_config({"map": {f"gcr.io/a@{DIGEST}": "gcr.io/a:v1"}})
    spec = pod_template(image=f"gcr.io/a@{DIGEST}", imagePullPolicy="Always")
    deployment = {"kind": "Deployment", "metadata": {"namespace": "x", "name": "y"}, "spec": spec}
    schema = {"kind": "CustomResourceDefinition", "spec": {"containers": {"type": "array"}}}
    (found,) = always_pulled(containers_of([deployment, schema], policy), ["gcr.io/a:v1"])
    assert found.where == "Deployment x/y"


def test_tags_of_knative_services_as_they_will_be_applied() -> None:
    mirrors = {"docker.io": ["m.io/hub"], "quay.io": ["one.io", "two.io"]}
    policy = ImagePolicy.from_config({"mirrors": mirrors, "mode": "rewrite"})
    settings = {
        "kind": "ConfigMap",
        "metadata": {"namespace": "knative-serving", "name": "config-deployment"},
        "data": {"registries-skipping-tag-resolving": "ko.local"},
    }
    services = [
        {"apiVersion": "serving.knative.dev/v1", "kind": "Service", "spec": pod_template(image=image)}
        for image in ("team/app:1", "quay.io/team/app:2")
    ]
    images = ("m.io/hub/team/app:1", "one.io/team/app:2")
    assert tags_of([settings, *services], policy) == TagResolution(images, "ko.local")
    assert tags_of(services, policy) is None
    assert tags_of([settings], policy) is None


def test_pods_that_strict_would_refuse() -> None:
    pods = [
        {"metadata": {"namespace": "a", "name": name}, "spec": {"containers": [{"image": image}]}}
        for name, image in (("one", "nginx:1"), ("two", "ghcr.io/x/y:1"), ("three", "m.io/hub/library/nginx:1"))
    ]
    policy = ImagePolicy.from_config({"mirrors": {"docker.io": ["m.io/hub"]}, "strict": True})
    assert pods_refused(json.loads(json.dumps(pods)), policy) == {"ghcr.io": ("a/two",)}
