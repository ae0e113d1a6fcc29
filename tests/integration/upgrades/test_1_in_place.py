"""Knative by one minor with its jobs, and Istio in place by one minor, under requests; and an upgrade that fails."""

from __future__ import annotations

import json

import pytest

from ..support.runs import Run
from .conftest import NEW, OLD, VERSIONS, Scene, told
from .traffic import LEAST, under_traffic

pytestmark = pytest.mark.acceptance

# A controller of the new set whose image is nowhere
NOWHERE = [{
    "match": {"kind": "Deployment", "namespace": "knative-serving", "name": "controller"},
    "json_patch": [
        {
            "op": "replace",
            "path": "/spec/template/spec/containers/0/image",
            "value": "gcr.io/knative-releases/knative.dev/serving/cmd/controller:v0.0.0-nowhere",
        }
    ],
}]  # fmt: skip


def test_a_step_that_is_too_wide_or_back_is_refused_before_the_first_write(scene: Scene) -> None:
    for version, said in (("1.25.0", "it is 3 minors on"), ("1.21.0", "it is older")):
        refused = scene.run(serverless_release=OLD, knative_serving_version=version, serverless_release_untried=True)
        assert refused.code != 0
        assert f"Knative Serving 1.22.1 cannot become {version}: {said}" in told(refused)
        assert not refused.writes


def test_a_dry_run_names_the_step(scene: Scene) -> None:
    checked = scene.run("--check", serverless_release=NEW)
    assert checked.code == 0, checked.end()
    assert "upgrade: Knative Serving 1.22.1 → 1.23.0" in checked.output
    assert "upgrade: Istio 1.30.5 → 1.31.1" in checked.output
    assert not checked.writes


def test_an_upgrade_that_does_not_get_ready_goes_back_and_says_so(scene: Scene) -> None:
    listing = workloads(scene)
    variables = {
        "serverless_release": NEW,
        "istio_version": "1.30.5",
        "__lab_nowhere": NOWHERE,
        "knative_serving_overlays": "{{ __lab_small + __lab_nowhere }}",
    }
    failed, answered = under_traffic(
        scene.site,
        "Knative 1.22.1 → 1.23.0 with an image that is nowhere, and back",
        lambda: scene.lab.run("site.yml", "--tags", "knative", "-e", json.dumps(variables)),
    )
    assert failed.code != 0
    said = told(failed)
    assert "Deployment knative-serving/controller" in said
    both = "knative-eventing from 1.23.0 to 1.22.2, knative-serving from 1.23.0 to 1.22.1"
    assert f"The upgrade was taken back ({both})" in said
    assert scene.standing() == VERSIONS[OLD]
    assert workloads(scene) == listing, "the images are those of before"
    for one in answered:
        assert one.percent >= LEAST, one
    scene.assert_settled(serverless_release=OLD)
    scene.assert_all_there()


def test_istio_in_place(scene: Scene) -> None:
    done, answered = under_traffic(
        scene.site,
        "Istio 1.30.5 → 1.31.1 in place",
        lambda: scene.run(serverless_release=OLD, istio_version="1.31.1"),
    )
    assert done.code == 0, done.end()
    assert "istio is upgraded from 1.30.5 to 1.31.1" in told(done)
    for one in answered:
        assert one.percent >= LEAST, one
    scene.assert_all_there()
    scene.assert_settled(serverless_release=OLD, istio_version="1.31.1")


def test_knative(scene: Scene) -> None:
    done, answered = under_traffic(scene.site, "Knative 1.22.1 → 1.23.0", lambda: scene.run(serverless_release=NEW))
    assert done.code == 0, done.end()
    said = told(done)
    assert "storage-version-migration-serving-1.23.0, cleanup-serving-1.23.0 ended well" in said
    assert "storage-version-migration-eventing-1.23.0 ended well" in said
    assert "knative-serving is upgraded from 1.22.1 to 1.23.0" in said
    assert scene.standing() == VERSIONS[NEW]
    assert not scene.jobs(), "the jobs are gone"
    for one in answered:
        assert one.percent >= LEAST, one
    scene.assert_all_there()


def test_the_second_run_changes_nothing(scene: Scene) -> None:
    scene.assert_settled(serverless_release=NEW)
    # auto stays with what is newer
    scene.assert_settled()


def test_back_is_refused(scene: Scene) -> None:
    refused: Run = scene.run(serverless_release=OLD)
    assert refused.code != 0 and not refused.writes
    assert "Knative Serving 1.23.0 cannot become 1.22.1: it is older" in told(refused)


def workloads(scene: Scene) -> dict[str, list[str]]:
    """The images of Knative's Deployments."""
    return {
        f"{namespace}/{item['metadata']['name']}": [
            container["image"] for container in item["spec"]["template"]["spec"]["containers"]
        ]
        for namespace in ("knative-serving", "knative-eventing")
        for item in scene.site.objects("deployments", "-n", namespace)
    }
