"""PodAutoscalers that were made while Knative's webhook was away: they lack a class, and nobody looks after them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from ..conftest import Site, until
from ..support.cluster_api import Ref
from ..support.runs import Lab
from . import greeter

pytestmark = pytest.mark.acceptance

CLASS = "autoscaling.knative.dev/class"
KPA = "kpa.autoscaling.knative.dev"
OF_A_REVISION = "serving.knative.dev/revision"
THEIRS = {
    "apiVersion": "autoscaling.internal.knative.dev/v1alpha1",
    "kind": "PodAutoscaler",
    "metadata": {"name": "theirs", "namespace": "default", "annotations": {CLASS: "scaler.example.org"}},
    "spec": {"protocolType": "http1", "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "x"}},
}
WEBHOOKS = (
    "mutatingwebhookconfigurations,validatingwebhookconfigurations",
    "-l",
    "serverless.selfhosted/release=knative-serving",
)
SERVING = ("-n", "knative-serving", "-l", "serverless.selfhosted/release=knative-serving")


@pytest.fixture(scope="module")
def whole_site(site: Site, lab_under_test: Lab) -> Iterator[Site]:
    """The site with somebody's service, and an autoscaler of somebody's own class; both are removed afterwards."""
    done = lab_under_test.run("site.yml")
    assert done.code == 0, done.end()
    greeter.place(site)
    site.kubectl("create", "-f", "-", given=json.dumps(THEIRS))
    yield site
    ours = "ksvc/greeter", "podautoscaler/theirs"
    site.kubectl("delete", *ours, "-n", "default", "--ignore-not-found", "--timeout=60s", check=False)
    lab_under_test.run("playbooks/uninstall.yml")


def autoscalers(lab: Lab) -> dict[Ref, dict]:
    """All PodAutoscalers that Knative has made for revisions."""
    path = f"/apis/{THEIRS['apiVersion']}/podautoscalers?labelSelector={OF_A_REVISION}"
    kind = {"apiVersion": THEIRS["apiVersion"], "kind": THEIRS["kind"]}
    return {Ref.of({**kind, **item}): item for item in lab.api.read(path)["items"]}


def lose_the_class(site: Site, lab: Lab) -> None:
    """Take the webhooks away, and have Knative's controller make every PodAutoscaler anew without them."""
    site.kubectl("delete", *WEBHOOKS)
    before = autoscalers(lab)
    site.kubectl("delete", "podautoscalers", "-A", "-l", OF_A_REVISION)

    def made_anew() -> bool:
        now = autoscalers(lab)
        return now.keys() == before.keys() and not {uid(now[ref]) for ref in now} & {uid(before[ref]) for ref in now}

    until("PodAutoscalers are made anew", made_anew, 60)


def uid(item: dict) -> str:
    return item["metadata"]["uid"]


def with_webhooks_away(site: Site, lab: Lab) -> None:
    """As a removal leaves it that broke off: no webhooks, no controllers."""
    lose_the_class(site, lab)
    site.kubectl("delete", "deployments,horizontalpodautoscalers", *SERVING)


def with_webhooks_back(site: Site, lab: Lab) -> None:
    """As the former version's next install left it: webhooks after controllers, and all there again but the class."""
    configurations = json.loads(site.kubectl("get", *WEBHOOKS, "-o", "json"))
    lose_the_class(site, lab)
    for item in configurations["items"]:
        item["metadata"].pop("resourceVersion")
    site.kubectl("create", "-f", "-", given=json.dumps(configurations))


@pytest.mark.parametrize("state", [with_webhooks_away, with_webhooks_back], ids=["webhooks away", "webhooks back"])
def test_one_run_has_every_service_looked_after(whole_site: Site, lab_under_test: Lab, state) -> None:
    theirs = lab_under_test.api.get(Ref.of(THEIRS))
    state(whole_site, lab_under_test)
    lacking = autoscalers(lab_under_test)
    assert {ref.namespace for ref in lacking} == {"default", "todo"}
    for ref, item in lacking.items():
        assert CLASS not in item["metadata"].get("annotations", {}), f"{ref} has a class"
    until("somebody's service answers no longer", lambda: not greeter.asked(whole_site), 60)
    assert not any(item.get("status") for item in autoscalers(lab_under_test).values()), "somebody looks after them"

    repaired = lab_under_test.run("site.yml")
    assert repaired.code == 0, repaired.end()
    for ref, item in autoscalers(lab_under_test).items():
        assert item["metadata"]["annotations"][CLASS] == KPA, f"{ref} is of another class"
        assert uid(item) == uid(lacking[ref]), f"{ref} was made anew"
    until("somebody's service answers", lambda: greeter.asked(whole_site), 60)
    assert whole_site.request("/").status == 200, "the application does not answer"
    # Its version is the one from before: not even an update that asks for nothing was stored.
    assert lab_under_test.api.get(Ref.of(THEIRS)) == theirs
    assert Ref.of(THEIRS) not in {ref for _verb, ref in repaired.writes}

    second = lab_under_test.run("site.yml")
    assert second.code == 0, second.end()
    assert second.changed == 0, second.end()
    assert not second.writes
