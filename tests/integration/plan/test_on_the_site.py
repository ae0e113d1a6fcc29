"""The same on the whole site, whose changes take longer: options, lists, a part left out, a variant, a role absent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..conftest import Site
from ..support.runs import Lab
from .changes import Change, role
from .test_plan_is_truth import check_against_run

pytestmark = pytest.mark.acceptance

INJECTED = {"istio_injection_namespaces": ["plan-mesh"]}
CHANGES = (
    Change("nothing to change", ("site.yml",), expected=(("keep", "Namespace todo"),)),
    Change("istio: list grown", role("istio", **INJECTED), expected=(("create", "Namespace plan-mesh"),)),
    Change("istio: option", role("istio", istio_mesh_config={"accessLogFile": "/dev/stdout"}, **INJECTED)),
    Change("istio: list shrunk", role("istio", istio_mesh_config={"accessLogFile": "/dev/stdout"})),
    Change("metrics_server: option", role("metrics_server", metrics_server_requests={"cpu": "15m", "memory": "90Mi"})),
    Change("knative: option", role("knative", knative_config={"autoscaler": {"scale-to-zero-grace-period": "40s"}})),
    Change("knative: Eventing left out", role("knative", knative_eventing=False)),
    Change("todo: option", role("todo", todo_web_min_scale=2)),
    Change("todo: injection", role("todo", todo_web_min_scale=2, todo_istio_injection=True)),
    Change("todo: another variant", role("todo", todo_variant="kubernetes")),
    Change("todo: and back", role("todo")),
    Change("todo absent", role("todo", "playbooks/uninstall.yml")),
    Change("knative absent", role("knative", "playbooks/uninstall.yml")),
)


@pytest.fixture(scope="module")
def whole_site(site: Site, lab_under_test: Lab) -> Iterator[Site]:
    """The site, which is removed afterwards."""
    done = lab_under_test.run("site.yml")
    assert done.code == 0, done.end()
    yield site
    site.kubectl("delete", "namespace", "plan-mesh", "--ignore-not-found", "--timeout=60s")
    lab_under_test.run("playbooks/uninstall.yml")


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_the_plan_of_a_check_is_what_the_run_writes(whole_site: Site, lab_under_test: Lab, change: Change) -> None:
    check_against_run(whole_site, lab_under_test, change)
