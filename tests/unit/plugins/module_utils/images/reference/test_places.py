"""Finding and rewriting references at every place of a document."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.errors import PolicyError
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.extract import extract_references
from ansible_collections.selfhosted.serverless.plugins.module_utils.images.reference.rewrite import (
    ImagePolicy,
    rewrite_document,
)

DIGEST = "sha256:" + "cd" * 32
POLICY = ImagePolicy.from_config(
    {
        "mirrors": {"gcr.io": ["m.io/gcr.io"], "docker.io": ["m.io/docker.io"], "ko.local:80": ["m.io/ko"]},
        "mode": "rewrite",
    }
)


def workload(kind: str, container: dict[str, Any], **pod: Any) -> dict[str, Any]:
    spec = {"containers": [{"name": "main", **container}], **pod}
    metadata = {"name": "web", "namespace": "todo"}
    return {"apiVersion": "x/v1", "kind": kind, "metadata": metadata, "spec": {"template": {"spec": spec}}}


def config_map(name: str, data: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "n"}, "data": data}


def found(document: dict[str, Any]) -> dict[str, str]:
    return {item.where: item.reference for item in extract_references([document])}


def rewritten(document: dict[str, Any]) -> list[str]:
    before = copy.deepcopy(document)
    result = rewrite_document(document, POLICY)
    assert document == before
    return [item.reference for item in extract_references([result])]


@pytest.mark.parametrize("kind", ["Deployment", "DaemonSet", "Job", "Service", "PodTemplate"])
def test_containers_of_any_workload(kind: str) -> None:
    document = workload(kind, {"image": "a:1"}, initContainers=[{"name": "first", "image": "gcr.io/b/c:2"}])
    assert found(document) == {f"{kind} todo/web: main": "a:1", f"{kind} todo/web: first": "gcr.io/b/c:2"}
    assert sorted(rewritten(document)) == ["m.io/docker.io/library/a:1", "m.io/gcr.io/b/c:2"]


def test_cron_jobs_and_image_volumes() -> None:
    pod = workload("Job", {"image": "a:1"}, volumes=[{"name": "v", "image": {"reference": "gcr.io/data/x:1"}}])
    document = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "c"}, "spec": {"jobTemplate": pod}}
    assert found(document) == {"CronJob c: main": "a:1", "CronJob c: volume v": "gcr.io/data/x:1"}


def test_env_and_arguments() -> None:
    container = {
        "image": "a:1",
        "env": [
            {"name": "DISPATCHER_IMAGE", "value": f"gcr.io/d/e@{DIGEST}"},
            {"name": "URL", "value": "http://gcr.io/a:1"},
            {"name": "HOST", "value": "a.svc.cluster.local:8080"},
            {"name": "FROM", "valueFrom": {}},
        ],
        "args": ["--reloader=gcr.io/r/s:v1", "--port=80", "gcr.io/t/u:v2"],
    }
    assert list(found(workload("Deployment", container)).values())[:2] == ["a:1", f"gcr.io/d/e@{DIGEST}"]
    assert rewritten(workload("Deployment", container)) == [
        "m.io/docker.io/library/a:1",
        f"m.io/gcr.io/d/e@{DIGEST}",
        "m.io/gcr.io/r/s:v1",
        "m.io/gcr.io/t/u:v2",
    ]
    args = rewrite_document(workload("Deployment", container), POLICY)["spec"]["template"]["spec"]["containers"][0][
        "args"
    ]
    assert args == ["--reloader=m.io/gcr.io/r/s:v1", "--port=80", "m.io/gcr.io/t/u:v2"]


def test_knatives_hidden_places() -> None:
    queue = f"gcr.io/knative-releases/queue@{DIGEST}"
    image = {
        "apiVersion": "caching.internal.knative.dev/v1alpha1",
        "kind": "Image",
        "metadata": {"name": "queue-proxy"},
        "spec": {"image": queue},
    }
    assert found(image) == {"Image queue-proxy: spec.image": queue}
    deployment = config_map("config-deployment", {"queue-sidecar-image": queue, "_example": f"image: {queue}"})
    assert found(deployment) == {"ConfigMap n/config-deployment: queue-sidecar-image": queue}
    assert rewritten(deployment) == [f"m.io/{queue}"]


@pytest.mark.parametrize(
    ("settings", "reference"),
    [
        ({"hub": "docker.io/istio", "tag": "1.30.5", "proxy": {"image": "proxyv2"}}, "docker.io/istio/proxyv2:1.30.5"),
        (
            {"hub": "docker.io/istio", "tag": "1.30.5", "variant": "distroless"},
            "docker.io/istio/proxyv2:1.30.5-distroless",
        ),
        ({"hub": "x", "tag": "1", "proxy": {"image": "docker.io/own/proxy:2"}}, "docker.io/own/proxy:2"),
    ],
)
def test_istios_injector(settings: dict[str, Any], reference: str) -> None:
    values = json.dumps({"global": settings, "other": 1})
    document = config_map("istio-sidecar-injector", {"values": values, "config": "templates: {}"})
    assert list(found(document).values()) == [reference]
    assert rewritten(document) == [f"m.io/{reference}"]
    changed = json.loads(rewrite_document(document, POLICY)["data"]["values"])
    assert changed["other"] == 1


def test_no_images() -> None:
    assert not found(workload("Deployment", {"image": "auto"}))
    definition = workload("CustomResourceDefinition", {"image": "a:1"})
    assert not found(definition)
    assert not found(config_map("plain", {"values": "{}", "config": "x", "image": "not an image"}))
    assert not found(workload("Deployment", {"args": ["--x=gcr.io/a//b:1"], "image": "{{ not filled in }}"}))


def test_strict_only_what_is_surely_an_image() -> None:
    with pytest.raises(PolicyError, match="Deployment todo/web: main: no rule"):
        rewrite_document(workload("Deployment", {"image": "quay.io/a/b:1"}), POLICY)
    doubtful = workload("Deployment", {"image": "a:1", "args": ["--x=quay.io/a/b:1"]})
    assert rewritten(doubtful) == ["m.io/docker.io/library/a:1", "quay.io/a/b:1"]
