"""A cluster that the former version left half removed is brought back by one run of the playbook."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..conftest import Site, until
from ..support.cluster_api import Ref
from ..support.runs import Lab
from . import greeter

pytestmark = pytest.mark.acceptance

HELD = "routes.serving.knative.dev"
# Kept by the former version, because an object of somebody else is of this kind
KEPT = "services.serving.knative.dev"
# The order in which the former version removed Knative Serving, up to where it hung
WEBHOOKS = "validatingwebhookconfigurations,mutatingwebhookconfigurations"
OF_SERVING = "serverless.selfhosted/release=knative-serving"


@pytest.fixture
def half_removed(site: Site, lab_under_test: Lab) -> Iterator[str]:
    """The uid of somebody's Knative service, under which Knative was taken away as the former version did."""
    done = lab_under_test.run("site.yml")
    assert done.code == 0, done.end()
    greeter.place(site)
    uid = site.kubectl("get", "ksvc", "greeter", "-n", "default", "-o", "jsonpath={.metadata.uid}")
    customs = "gateways.networking.istio.io,peerauthentications.security.istio.io,images.caching.internal.knative.dev"
    site.kubectl("delete", customs, "-A", "-l", OF_SERVING)
    site.kubectl("delete", WEBHOOKS, "-l", OF_SERVING)
    site.kubectl("delete", "deployments,horizontalpodautoscalers", "-n", "knative-serving", "-l", OF_SERVING)
    site.kubectl("delete", "services,configmaps,secrets,serviceaccounts", "-n", "knative-serving", "-l", OF_SERVING)
    site.kubectl("delete", "clusterroles,clusterrolebindings", "-l", OF_SERVING)
    definitions = site.kubectl("get", "crds", "-l", OF_SERVING, "-o", "name").split()
    doomed = [name for name in definitions if not name.endswith(f"/{KEPT}")]
    site.kubectl("delete", *doomed, "--wait=false")
    until("the definition is being deleted and held", lambda: is_held(lab_under_test), 60)
    yield uid
    site.kubectl("delete", "ksvc", "greeter", "-n", "default", "--ignore-not-found", "--timeout=60s", check=False)
    lab_under_test.run("playbooks/uninstall.yml")


def is_held(lab: Lab) -> bool:
    definition = lab.api.get(Ref("apiextensions.k8s.io", "CustomResourceDefinition", "", HELD))
    return bool(definition and definition["metadata"].get("deletionTimestamp"))


def test_one_run_brings_it_back(site: Site, lab_under_test: Lab, half_removed: str) -> None:
    repaired = lab_under_test.run("site.yml")
    assert repaired.code == 0, repaired.end()
    assert not is_held(lab_under_test)
    site.kubectl("wait", "ksvc/greeter", "-n", "default", "--for=condition=Ready", "--timeout=120s")
    assert site.kubectl("get", "ksvc", "greeter", "-n", "default", "-o", "jsonpath={.metadata.uid}") == half_removed
    until("somebody's service answers", lambda: greeter.asked(site), 60)
    assert site.request("/").status == 200, "the application does not answer"
    second = lab_under_test.run("site.yml")
    assert second.code == 0, second.end()
    assert second.changed == 0, second.end()
