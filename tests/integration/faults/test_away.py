"""The API server away for 20 s, at ten points of an install and a removal."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from ..conftest import Site, until
from ..support.runs import Lab

AWAY = 20
TAGS = ("--tags", "registry_secret,metrics_server")
INSTALL, REMOVAL = ("site.yml", *TAGS), ("playbooks/uninstall.yml", *TAGS)
# After how many writes of ours it goes away, as the audit log counts them; what comes after the last is waiting.
# How long the node is missed after that is up to its lease, so none of this is run where time is short.
POINTS = [(INSTALL, count) for count in (0, 1, 2, 3, 4, 5, 6)] + [(REMOVAL, count) for count in (0, 2, 4)]
CASES = [
    pytest.param(
        run,
        count,
        id=f"{run[0]} after {count} writes",
        marks=pytest.mark.acceptance,
    )
    for run, count in POINTS
]


@pytest.fixture(scope="module", autouse=True)
def images(lab_under_test: Lab) -> Iterator[None]:
    """A node that pulls through the mirror."""
    done = lab_under_test.run("site.yml", "--tags", "image_prefetch")
    assert done.code == 0, done.end()
    yield
    lab_under_test.run(*REMOVAL[:2], f"{TAGS[1]},image_prefetch")


@pytest.mark.parametrize(("arguments", "count"), CASES)
def test_a_run_survives_an_api_server_that_is_away(
    site: Site, lab_under_test: Lab, arguments: tuple[str, ...], count: int
) -> None:
    opposite = REMOVAL if arguments == INSTALL else INSTALL
    prepared = lab_under_test.run(*opposite)
    assert prepared.code == 0, prepared.end()

    def go_away() -> None:
        lab_under_test.audit.await_writes(count, 60)
        try:
            lab_under_test.control("stop", "kube-apiserver")
            time.sleep(AWAY)
        finally:
            lab_under_test.control("start", "kube-apiserver")

    run = lab_under_test.run(*arguments, meanwhile=go_away)
    until("the API server answers", lambda: site.kubectl("get", "--raw", "/readyz", check=False) == "ok", 60)
    site.kubectl("wait", "nodes", "--all", "--for=condition=Ready", "--timeout=120s")
    assert run.code == 0, run.end()
    assert run.outlasted, "it was over before the API server was back"
    second = lab_under_test.run(*arguments)
    assert second.code == 0, second.end()
    assert second.changed == 0, second.end()
