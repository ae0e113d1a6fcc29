"""Istio by revision and tag: the new control plane beside the former one, which goes when nothing uses it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from ..conftest import client_manifest, until
from ..support.runs import Run
from .conftest import OLD, VERSIONS, Scene, told
from .traffic import LEAST, Answered, under_traffic

pytestmark = pytest.mark.acceptance

CANARY = {"serverless_release": OLD, "istio_version": "1.31.1", "istio_upgrade": "canary"}
REVISION = "1-31-1"


@pytest.fixture(scope="module")
def theirs(scene: Scene) -> Iterator[str]:
    """Somebody's pod with a sidecar, which nobody but its owner restarts."""
    scene.site.kubectl("create", "namespace", "theirs")
    scene.site.kubectl("label", "namespace", "theirs", "istio-injection=enabled")
    scene.site.kubectl("apply", "-f", "-", given=client_manifest("theirs"))
    scene.site.kubectl("wait", "--for=condition=Ready", "pod/client", "-n", "theirs", "--timeout=120s")
    assert revision_of(scene) == "default"
    yield "theirs"
    scene.site.kubectl("delete", "namespace", "theirs", "--timeout=120s", check=False)


def revision_of(scene: Scene) -> str:
    """The revision of the sidecar of somebody's pod."""
    pod = json.loads(scene.site.kubectl("get", "pod", "client", "-n", "theirs", "-o", "json"))
    return pod["metadata"]["annotations"]["istio.io/rev"]


def planes(scene: Scene) -> list[str]:
    items = scene.site.objects("deployments", "-n", "istio-system", "-l", "app=istiod")
    return sorted(item["metadata"]["name"] for item in items)


def upgraded(scene: Scene) -> tuple[Run, list[Answered]]:
    return under_traffic(scene.site, "Istio 1.30.5 → 1.31.1 by revision and tag", lambda: scene.run(**CANARY))


def test_the_former_control_plane_stays_while_somebody_uses_it(scene: Scene, theirs: str) -> None:
    assert scene.standing()["istio"] == VERSIONS[OLD]["istio"]
    done, answered = upgraded(scene)
    assert done.code == 0, done.end()
    assert planes(scene) == ["istiod", f"istiod-{REVISION}"]
    said = told(done)
    assert "Deployment istio-system/istiod stays, because it is used: Pod theirs/client" in said
    gateway = scene.site.objects("pods", "-n", "istio-system", "-l", "app=istio-ingressgateway")
    assert {pod["metadata"]["annotations"]["istio.io/rev"] for pod in gateway} == {REVISION}
    for one in answered:
        assert one.percent >= LEAST, one
    scene.assert_all_there()
    scene.assert_settled(**CANARY)
    assert planes(scene) == ["istiod", f"istiod-{REVISION}"]


def test_new_pods_get_the_new_revision(scene: Scene, theirs: str) -> None:
    """By the label that the namespace always had: the tag default leads it to the new revision."""
    scene.site.kubectl("delete", "pod", "client", "-n", theirs, "--wait=true")
    scene.site.kubectl("apply", "-f", "-", given=client_manifest(theirs))
    scene.site.kubectl("wait", "--for=condition=Ready", "pod/client", "-n", theirs, "--timeout=120s")
    assert revision_of(scene) == REVISION


def test_the_former_control_plane_goes_when_nobody_uses_it(scene: Scene, theirs: str) -> None:
    done, answered = under_traffic(scene.site, "The former control plane goes", lambda: scene.run(**CANARY))
    assert done.code == 0, done.end()
    assert planes(scene) == [f"istiod-{REVISION}"]
    hooks = scene.site.objects("mutatingwebhookconfigurations", "-l", "app=sidecar-injector")
    assert sorted(item["metadata"]["name"] for item in hooks) == [
        "istio-revision-tag-default",
        f"istio-sidecar-injector-{REVISION}",
    ]
    for one in answered:
        assert one.percent >= LEAST, one
    scene.assert_settled(**CANARY)
    scene.assert_all_there()
    until("somebody's pod is served", lambda: scene.site.request("/").status == 200, 30)
